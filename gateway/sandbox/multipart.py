"""multipart/form-data as the Bot API server reads it (tdnet/td/net/HttpReader.cpp).

A part with a file name is a file, any other part is a parameter, and a parameter whose own type is
`application/x-www-form-urlencoded` is unfolded into parameters.
"""

from __future__ import annotations

from .errors import Refusal, refusal, too_large
from .parameters import Parameters, Upload

_BOUNDARY_LIMIT = 70
_FILES_LIMIT = 100
_HEADERS_LIMIT = 1 << 18


def boundary_of(content_type: str) -> bytes:
    """The boundary named by a Content-Type header."""
    start = content_type.lower().find("boundary")
    if start < 0:
        raise refusal(400, "boundary not found")
    _, equals, value = content_type[start + len("boundary") :].partition("=")
    if not equals:
        raise refusal(400, "boundary value not found")
    value = value.split(";", 1)[0]
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    if not value or len(value) > _BOUNDARY_LIMIT:
        raise refusal(400, "boundary too big or empty")
    return value.encode(errors="surrogateescape")


def read_multipart(parameters: Parameters, boundary: bytes, body: bytes) -> None:
    """Add the parts of `body` to `parameters`; a body that stops early is a 400."""
    separator = b"\r\n--" + boundary
    at = body.find(separator[2:])
    if at < 0:
        raise _unfinished()
    at += len(separator) - 2
    while body[at : at + 2] != b"--":
        head_end = body.find(b"\r\n\r\n", at)
        if head_end < 0:
            raise _unfinished()
        if head_end == at:
            raise refusal(400, "headers in multipart/form-data are empty")
        end = body.find(separator, head_end + 4)
        if end < 0:
            raise _unfinished()
        _add_part(parameters, body[at + 2 : head_end], body[head_end + 4 : end])
        at = end + len(separator)


def _unfinished() -> Refusal:
    return refusal(400, "unexpected end of multipart/form-data")


def _add_part(parameters: Parameters, head: bytes, content: bytes) -> None:
    if len(head) > _HEADERS_LIMIT:
        raise Refusal(431, "Request Header Fields Too Large: total headers size exceeded")
    name, file_name, content_type = _read_head(head.decode(errors="replace"))
    if not name:
        raise refusal(400, "field name in multipart/form-data not found")
    if file_name is not None:
        if len(parameters.files) == _FILES_LIMIT:
            raise too_large("too much files attached")
        parameters.files.setdefault(name, Upload(file_name, content_type, content))
        return
    parameters.weigh_part(len(content))
    text = content.decode(errors="surrogateescape")
    if content_type.startswith("application/x-www-form-urlencoded"):
        parameters.add_urlencoded(text)
    else:
        parameters.add(name, text)


def _read_head(head: str) -> tuple[str, str | None, str]:
    name, file_name, content_type = "", None, "application/octet-stream"
    for line in head.replace("\r\n ", " ").replace("\r\n\t", " ").split("\r\n"):
        header, colon, value = line.partition(":")
        header, value = header.strip().lower(), value.strip()
        if not colon:
            raise refusal(400, "can't parse form data headers")
        if header == "content-type":
            content_type = value
        if header == "content-disposition":
            if not value.startswith("form-data;"):
                raise refusal(400, "expected form-data content disposition")
            for key, setting in _settings(value[len("form-data;") :]):
                if key == "name":
                    name = setting
                elif key == "filename":
                    file_name = setting
    return name, file_name, content_type


def _settings(text: str) -> list[tuple[str, str]]:
    found = []
    while "=" in text:
        key, _, text = text.partition("=")
        value, _, text = text.partition(";")
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] == '"':
            value = value[1:-1]
        found.append((key.strip(), value))
    return found
