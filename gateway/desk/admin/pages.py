"""Pages of a list: how many, from where on, and the token that goes on."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from gateway.errors import RequestInvalid

DEFAULT_PAGE, MAX_PAGE = 50, 1000
_MARK = 8
_MOST = 1 << 63  # what a store can count
_UNKNOWN = [("page_token", "is none that this service gave out for this list")]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """Which page is asked for: of at most `size` entries (0: 50), after where `token` says."""

    size: int = 0
    token: str = ""

    def limit(self) -> int:
        """Return how many entries it has at most; raises `RequestInvalid`."""
        if not 0 <= self.size <= MAX_PAGE:
            raise RequestInvalid([("page_size", f"must be 0 to {MAX_PAGE}")])
        return self.size or DEFAULT_PAGE

    def place(self, *asked: object) -> str:
        """Return after which place it begins; empty: at the beginning.

        Args:
            asked: What the list is of.

        Raises:
            RequestInvalid: the token is none, or of another list.
        """
        if not self.token:
            return ""
        try:
            known = urlsafe_b64decode(self.token.encode("ascii") + b"==")
            place = known[_MARK:].decode()
        except (NotBase64, UnicodeError):
            raise RequestInvalid(_UNKNOWN) from None
        if not place or self.token != token_after(place, *asked):
            raise RequestInvalid(_UNKNOWN)
        return place

    def numbers(self, count: int, *asked: object) -> tuple[int, ...] | None:
        """Return a place that is so many numbers; None: the beginning. Raises `RequestInvalid`."""
        place = self.place(*asked)
        if not place:
            return None
        try:
            found = tuple(map(int, place.split(" ")))
        except ValueError:
            raise RequestInvalid(_UNKNOWN) from None
        if len(found) != count or not all(-_MOST <= number < _MOST for number in found):
            raise RequestInvalid(_UNKNOWN)
        return found

    def of(self, entries: Sequence[T], place_of: Callable[[T], str], *asked: object) -> tuple[Sequence[T], str]:
        """Return the page of a list that is here whole, each entry with a place of its own, and the next token."""
        limit, place = self.limit(), self.place(*asked)
        places = [place_of(entry) for entry in entries]
        # An entry that went meanwhile has left no place: then the list begins anew rather than to leave something out.
        begin = places.index(place) + 1 if place in places else 0
        page = entries[begin : begin + limit]
        is_last = begin + limit >= len(entries)
        return page, "" if is_last else token_after(places[begin + limit - 1], *asked)


def token_after(place: str, *asked: object) -> str:
    """Return the token of the page after a place in a list of this. Its mark is against mistakes, not attacks."""
    mark = sha256(repr(asked).encode()).digest()[:_MARK]
    return urlsafe_b64encode(mark + place.encode()).rstrip(b"=").decode()
