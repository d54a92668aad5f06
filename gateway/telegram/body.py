"""What a request to the Bot API has in its body: JSON, or a form where a file goes with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson
from telegram.request import RequestData


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes of a request, and what they are."""

    content: bytes
    content_type: str = "application/json"


def json_of(parameters: Mapping[str, object]) -> Body:
    """Return parameters as JSON."""
    return Body(orjson.dumps(parameters))


def body_of(request: RequestData | None, boundary: Callable[[], str]) -> Body:
    """Return what python-telegram-bot asks for, in `multipart/form-data` (RFC 7578) where it has a file.

    Args:
        request: Its parameters and files.
        boundary: Returns what stands between the parts of a form and in none of them: at most 70 printable characters.
    """
    if request is None or not request.contains_files:
        return json_of(request.parameters if request else {})
    between = boundary()
    parts = [(f'name="{name}"', value.encode()) for name, value in request.json_parameters.items()]
    for name, (file_name, content, content_type) in (request.multipart_data or {}).items():
        if not isinstance(content, bytes):
            raise TypeError("a file is sent from memory only")
        parts.append((f'name="{name}"; filename="{file_name}"\r\nContent-Type: {content_type}', content))
    form = b"".join(_part(between, head, content) for head, content in parts)
    return Body(form + f"--{between}--\r\n".encode(), f"multipart/form-data; boundary={between}")


def _part(boundary: str, head: str, content: bytes) -> bytes:
    return f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n"
