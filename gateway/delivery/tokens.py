"""The tokens with which a client goes on: after a change, after a page. Checked when they come back."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from gateway.errors import RequestInvalid
from gateway.store.base import Place, Search

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UNKNOWN = "is none that this service gave out"


def resume_token(change: int) -> str:
    """Return the token to go on after a change."""
    return _text(b"w1" + change.to_bytes(8, "big"))


def change_from(token: str, last: int) -> int:
    """Return the change that a token goes on after; none that has not happened yet.

    Raises:
        RequestInvalid: It is no such token.
    """
    change = int.from_bytes(_bytes(token)[2:], "big")
    if change > last or token != resume_token(min(change, last)):
        raise RequestInvalid([("resume_token", _UNKNOWN)])
    return change


def page_token(place: Place, search: Search) -> str:
    """Return the token to go on with a search after a place."""
    accepted_at, seq = place
    numbers = ((accepted_at - _EPOCH) // _MICROSECOND).to_bytes(8, "big", signed=True) + seq.to_bytes(8, "big")
    return _text(b"p1" + numbers + _mark(search))


def place_from(token: str, search: Search) -> Place:
    """Return the place that a token goes on after.

    Raises:
        RequestInvalid: It is no such token, or one of another search.
    """
    known = _bytes(token)
    if len(known) != 26 or known[:2] != b"p1" or token != _text(known):
        raise RequestInvalid([("page_token", _UNKNOWN)])
    if known[18:] != _mark(search):
        raise RequestInvalid([("page_token", "is of a list that was asked for otherwise")])
    microseconds = int.from_bytes(known[2:10], "big", signed=True)
    try:
        return _EPOCH + microseconds * _MICROSECOND, int.from_bytes(known[10:18], "big")
    except OverflowError:
        raise RequestInvalid([("page_token", _UNKNOWN)]) from None


def _mark(search: Search) -> bytes:
    """Return what tells one search from another: 64 bits, against mistakes and not against attacks."""
    asked = (
        search.client,
        sorted(search.chat_ids),
        sorted(state.value for state in search.states),
        search.accepted_from,
        search.accepted_until,
    )
    return sha256(repr(asked).encode()).digest()[:8]


def _text(token: bytes) -> str:
    return urlsafe_b64encode(token).rstrip(b"=").decode()


def _bytes(token: str) -> bytes:
    try:
        return urlsafe_b64decode(token.encode("ascii") + b"==")
    except (NotBase64, UnicodeEncodeError):
        return b""
