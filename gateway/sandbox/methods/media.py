"""Photos and documents: uploaded, sent again by id, and fetched back."""

from __future__ import annotations

from typing import Any

from gateway.sandbox.chats import Message
from gateway.sandbox.errors import bad_request
from gateway.sandbox.files import StoredFile
from gateway.sandbox.parameters import Upload
from gateway.sandbox.pictures import picture_size

from .call import Call
from .sending import caption_content, read_caption, read_envelope, send

PHOTO_LIMIT = 10 << 20
"""Bytes of an uploaded photo."""

UPLOAD_LIMIT = 50 << 20
"""Bytes of any other uploaded file."""

_SIDES_LIMIT = 10_000


def send_photo(call: Call) -> Message:
    """https://core.telegram.org/bots/api#sendphoto"""
    return _send(call, "photo")


def send_document(call: Call) -> Message:
    """https://core.telegram.org/bots/api#senddocument"""
    return _send(call, "document")


def get_file(call: Call) -> dict[str, Any]:
    """https://core.telegram.org/bots/api#getfile"""
    file_id = call.parameters.text("file_id")
    if not file_id:
        raise bad_request("file_id not specified")
    stored = call.world.files.require_downloadable(call.bot.id, file_id)
    return stored.to_json() | {"file_path": stored.path}


def _send(call: Call, kind: str) -> Message:
    upload = _upload(call, kind)
    stored = None if upload else _known_file(call, kind)
    caption = read_caption(call)

    def content() -> dict[str, Any]:
        described = caption_content(call, caption)
        file = stored or _store(call, kind, upload)
        return {kind: _photo(file) if kind == "photo" else _document(file)} | described

    return send(call, read_envelope(call), content)


def _upload(call: Call, kind: str) -> Upload | None:
    reference = call.parameters.text(kind)
    name = reference.removeprefix("attach://") if reference.startswith("attach://") else kind
    upload = call.parameters.files.get(name)
    if upload is None:
        return None
    if not upload.content:
        raise bad_request("file must be non-empty")
    if len(upload.content) > (PHOTO_LIMIT if kind == "photo" else UPLOAD_LIMIT):
        raise bad_request(f"{'photo' if kind == 'photo' else 'file'} is too big")
    if kind == "photo":
        _check_picture(upload.content)
    return upload


def _check_picture(content: bytes) -> None:
    size = picture_size(content)
    if size is None:
        raise bad_request("IMAGE_PROCESS_FAILED")
    if sum(size) > _SIDES_LIMIT or max(size) > 20 * min(size):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")


def _known_file(call: Call, kind: str) -> StoredFile:
    reference = call.parameters.text(kind)
    if not reference or reference.startswith("attach://"):
        raise bad_request(f"there is no {kind} in the request")
    if reference.startswith(("http://", "https://")):
        # There is no way out of the box.
        raise bad_request("failed to get HTTP URL content")
    stored = call.world.files.find(call.bot.id, reference)
    if stored is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    if stored.path.startswith("photos/") != (kind == "photo"):
        raise bad_request(f"can't use file of type {_type(stored)} as {kind.capitalize()}")
    return stored


def _type(stored: StoredFile) -> str:
    return "Photo" if stored.path.startswith("photos/") else "Document"


def _store(call: Call, kind: str, upload: Upload | None) -> StoredFile:
    if upload is None:
        raise bad_request(f"there is no {kind} in the request")
    name = "photo.jpg" if kind == "photo" else upload.file_name
    return call.world.files.add(call.bot.id, f"{kind}s", name, upload.content_type, upload.content)


def _photo(stored: StoredFile) -> list[dict[str, Any]]:
    width, height = picture_size(stored.content) or (1, 1)
    return [stored.to_json() | {"width": width, "height": height}]


def _document(stored: StoredFile) -> dict[str, Any]:
    answer = stored.to_json()
    if stored.name:
        answer["file_name"] = stored.name
    return answer | {"mime_type": stored.content_type}


METHODS = {"sendPhoto": send_photo, "sendDocument": send_document, "getFile": get_file}
