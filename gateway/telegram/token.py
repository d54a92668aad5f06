"""The bot token: where it comes from, and a holder that never shows it."""

from __future__ import annotations

import logging
import os
import re
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, Protocol

from gateway.errors import ConfigInvalid

_FORM = re.compile(rb"[1-9][0-9]{0,15}:[A-Za-z0-9_-]{20,}")
_MAX_LENGTH = 80
"""What the Bot API server takes for a token: tdlib/telegram-bot-api, ClientManager.cpp."""

_MAX_FILE_SIZE = 4096
_FRESH_NS = 1_000_000_000
"""A file that changed a moment ago may change again within the same tick of the file system's clock."""

_Stamp = tuple[int, int, int, int, int]


class BotToken:
    """A bot token; neither its repr nor its str show it.

    Attributes:
        version: Counts the tokens that its source gave before: a changed token has another version.
    """

    __slots__ = ("_value", "version")

    def __init__(self, value: str, version: int = 0) -> None:
        """Hold a token whose form was checked."""
        self._value = value
        self.version = version

    def reveal(self) -> str:
        """Return the token itself."""
        return self._value

    @property
    def bot_id(self) -> int:
        """The id of the bot, which is not secret."""
        return int(self._value.partition(":")[0])

    def redacted(self, text: str) -> str:
        """Return `text` without the token and without its secret part."""
        return text.replace(self._value.partition(":")[2], "****")

    def __repr__(self) -> str:
        """Show that it is a token, not which."""
        return "BotToken(****)"

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied."""
        raise TypeError("a bot token is not copied")


class TokenSource(Protocol):
    """Where the bot token comes from."""

    def read(self) -> BotToken:
        """Return the token that is valid now; cheap enough to be asked for each request."""


class _Value:
    def __init__(self, token: BotToken) -> None:
        self._token = token

    def read(self) -> BotToken:
        return self._token


class _File:
    """Reads the file again when its inode, size or times changed, and keeps the last good token while it is broken."""

    def __init__(self, path: Path, report: Callable[[str], None]) -> None:
        self._path = path
        self._report = report
        self._problem = ""
        token, self._stamp = _load(path)
        if isinstance(token, str):
            raise ConfigInvalid(f"bot token file {path}: {token}")
        self._token = token

    def read(self) -> BotToken:
        if self._stamp is None or self._stamp != _stamp_at(self._path):
            self._reload()
        return self._token

    def _reload(self) -> None:
        found, self._stamp = _load(self._path)
        problem = found if isinstance(found, str) else self._difference(found)
        if problem and problem != self._problem:
            self._report(f"bot token file {self._path}: {problem}; still using the token read before")
        elif not isinstance(found, str) and not problem and found.reveal() != self._token.reveal():
            self._token = BotToken(found.reveal(), self._token.version + 1)
        self._problem = problem

    def _difference(self, found: BotToken) -> str:
        """Say why a well-formed token can't replace the one in use: another bot is in other chats."""
        if found.bot_id != self._token.bot_id:
            return "has the token of another bot; restart to change the bot"
        return ""


def from_file(path: str | os.PathLike[str], report: Callable[[str], None] | None = None) -> TokenSource:
    """Return the token kept in a file, followed through every change of it.

    The file may be rewritten, replaced by a rename, or reached through a symbolic link that is swapped, as Kubernetes
    does with secrets. White space around the token is ignored. It must be a regular file that only its owner
    may write and that others have no access to; its group may read it (0600, 0400 and 0440 are fine).

    Args:
        path: The file.
        report: Told in one line, without the token, once for each problem of the file that comes up later; while it
            lasts, the last good token stays in use. The log by default.

    Raises:
        ConfigInvalid: There is no usable token in the file now.
    """
    return _File(Path(path), report or logging.getLogger(__name__).warning)


def from_value(secret: str) -> TokenSource:
    """Return a token that never changes.

    Raises:
        ConfigInvalid: It has not the form of a bot token.
    """
    token = _parse(secret.encode("utf-8", "replace"))
    del secret  # else a traceback that shows locals would show it
    if isinstance(token, str):
        raise ConfigInvalid(f"bot token: {token}")
    return _Value(token)


def _parse(content: bytes) -> BotToken | str:
    """Return the token, or what is wrong with it; an error raised from here would carry it in its locals."""
    value = content.strip()
    if not value:
        return "is empty; put the token from @BotFather there"
    if len(value) > _MAX_LENGTH or not _FORM.fullmatch(value):
        return "has not the form of a bot token, which is 123456789:letters-and-digits, and nothing else"
    return BotToken(value.decode("ascii"))


def _load(path: Path) -> tuple[BotToken | str, _Stamp | None]:
    """Return the token in the file, or what is wrong, and the stamp of what was read where it can be relied on."""
    try:
        # A named pipe would block the event loop until somebody writes to it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return f"can't be opened: {error.strerror}", None
    try:
        status = os.fstat(descriptor)
        return _problem_of(status) or _parse(os.read(descriptor, _MAX_FILE_SIZE)), _stamp_of(status)
    except OSError as error:
        return f"can't be read: {error.strerror}", None
    finally:
        os.close(descriptor)


def _problem_of(status: os.stat_result) -> str:
    if not stat.S_ISREG(status.st_mode):
        return "is not a regular file"
    if status.st_mode & stat.S_IRWXO:
        return "is open to everyone on this machine; chmod 0600 it, or 0440 for a group"
    if status.st_mode & stat.S_IWGRP:
        return "can be written by its group; chmod g-w it"
    return ""


def _stamp_of(status: os.stat_result) -> _Stamp | None:
    if time.time_ns() - status.st_ctime_ns < _FRESH_NS:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _stamp_at(path: Path) -> _Stamp | None:
    try:
        return _stamp_of(path.stat())
    except OSError:
        return None
