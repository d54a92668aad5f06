"""Where the token comes from, and how it is kept out of everything else."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chatkey.errors import ConfigurationError

_TOKEN = re.compile(r"[A-Za-z0-9_.-]{1,4096}")


@dataclass(frozen=True, slots=True)
class Token:
    """A token that does not show itself."""

    value: str = field(repr=False)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What goes with every call."""
        return (("authorization", f"Bearer {self.value}"),)


TokenSource = Callable[[], Token]
"""Gives the token that is valid now; asked before every attempt."""


def token_source(
    token: str | None, token_file: str | os.PathLike[str] | None, environment: Mapping[str, str] = os.environ
) -> TokenSource:
    """Choose where the token comes from.

    An argument goes before the environment, there `CHATKEY_TOKEN_FILE` before `CHATKEY_TOKEN`. A file is read before
    every attempt, so a token that is replaced in it is used without a restart.

    Raises:
        ConfigurationError: There is no token, there are two, or it has characters that no token has.
    """
    if token is not None and token_file is not None:
        raise ConfigurationError("give either token or token_file")
    if token is not None:
        return _fixed(token, "the token")
    if path := token_file or environment.get("CHATKEY_TOKEN_FILE"):
        return lambda: _read(Path(path))
    if given := environment.get("CHATKEY_TOKEN"):
        return _fixed(given, "CHATKEY_TOKEN")
    raise ConfigurationError("there is no token: give one, or set CHATKEY_TOKEN_FILE or CHATKEY_TOKEN")


def _fixed(value: str, where: str) -> TokenSource:
    token = _checked(value, where)
    return lambda: token


def _read(path: Path) -> Token:
    try:
        return _checked(path.read_text(encoding="ascii", errors="replace"), f"the token in {path}")
    except OSError as problem:
        raise ConfigurationError(f"can't read the token file {path}: {problem.strerror}") from None


def _checked(value: str, where: str) -> Token:
    if not _TOKEN.fullmatch(value.strip()):
        raise ConfigurationError(f"{where} is empty, too long or has characters that no token has")
    return Token(value.strip())
