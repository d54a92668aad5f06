"""Files bots uploaded, bounded in memory: the oldest are forgotten first."""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

from .errors import bad_request

DOWNLOAD_LIMIT = 20 << 20
"""Bytes of a file a bot may fetch back with getFile."""

_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,10}$")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file and the names it goes by."""

    bot_id: int
    file_id: str
    unique_id: str
    path: str
    name: str
    content_type: str
    content: bytes

    def to_json(self) -> dict[str, Any]:
        """What every kind of file shows of itself."""
        return {"file_id": self.file_id, "file_unique_id": self.unique_id, "file_size": len(self.content)}


class Files:
    """At most `limit` bytes of files."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._count = 0
        self._files: dict[str, StoredFile] = {}

    def add(self, bot_id: int, folder: str, name: str, content_type: str, content: bytes) -> StoredFile:
        """Keep a file for one bot; like the real server's, its path is easy to guess and its id is not."""
        self._count += 1
        extension = _EXTENSION.search(name)
        path = f"{folder}/file_{self._count}{extension[0] if extension else ''}"
        unique_id = _opaque(hashlib.sha256(content).digest(), 12)
        file_id = _opaque(hashlib.sha256(f"{bot_id}:{path}".encode()).digest(), 48)
        stored = StoredFile(bot_id, file_id, unique_id, path, name, content_type, content)
        self._files[file_id] = stored
        self._size += len(content)
        while self._size > self._limit and len(self._files) > 1:
            self._size -= len(self._files.pop(next(iter(self._files))).content)
        return stored

    def find(self, bot_id: int, file_id: str) -> StoredFile | None:
        """A file by its id; ids of another bot's files mean nothing."""
        stored = self._files.get(file_id)
        return stored if stored is not None and stored.bot_id == bot_id else None

    def require_downloadable(self, bot_id: int, file_id: str) -> StoredFile:
        """A file that getFile may name."""
        stored = self.find(bot_id, file_id)
        if stored is None:
            raise bad_request("wrong file_id or the file is temporarily unavailable")
        if len(stored.content) > DOWNLOAD_LIMIT:
            raise bad_request("file is too big")
        return stored

    def at_path(self, bot_id: int, path: str) -> StoredFile | None:
        """A file by its download path."""
        return next((f for f in self._files.values() if f.bot_id == bot_id and f.path == path), None)


def _opaque(digest: bytes, length: int) -> str:
    return "SBX" + urlsafe_b64encode(digest + digest).decode()[:length]
