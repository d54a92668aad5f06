"""The cursors with which a subscriber goes on. Checked when they come back."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64

from gateway.errors import RequestInvalid

_MARK = b"u1"


def cursor_behind(seq: int) -> str:
    """Return the cursor to go on behind an update."""
    return urlsafe_b64encode(_MARK + seq.to_bytes(8, "big")).rstrip(b"=").decode()


def seq_from(cursor: str, last: int) -> int:
    """Return the number of the update that a cursor goes on behind; none that has not happened yet.

    Raises:
        RequestInvalid: It is no such cursor.
    """
    seq = int.from_bytes(_bytes(cursor)[len(_MARK) :], "big")
    if seq > last or cursor != cursor_behind(seq):
        raise RequestInvalid([("cursor", "is none that this service gave out")])
    return seq


def _bytes(cursor: str) -> bytes:
    try:
        return urlsafe_b64decode(cursor.encode("ascii") + b"==")
    except (NotBase64, UnicodeEncodeError):
        return b""
