"""What people can see of a text. A link over nothing that can be seen mentions somebody behind everybody's back."""

from __future__ import annotations

import re
from unicodedata import category

_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that are shown as nothing."""
_NOTHING = re.compile("[\\s\u00ad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u2064\u2800\u3000\ufeff\ufffc]*")


def is_mention(url: str) -> bool:
    """Whether an address leads into Telegram, as `tg://user?id=…` does, which mentions a person."""
    return url.strip().lower().startswith("tg:")


def can_be_seen(text: str) -> bool:
    """Whether there is a letter, a number, a punctuation mark or a symbol in a text that is shown as something."""
    return any(category(character)[0] in "LNPS" and character not in _BLANK for character in text)


def is_empty(text: str) -> bool:
    """Whether Telegram takes a text for empty: white space and what takes up no room, and nothing else.

    Source: TDLib, td/telegram/misc.cpp, `is_empty_string` and `strip_empty_characters`.
    """
    return _NOTHING.fullmatch(text) is not None
