"""What people can see of a text. A link over nothing that can be seen mentions somebody behind everybody's back."""

from __future__ import annotations

from unicodedata import category

_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that are shown as nothing."""


def is_mention(url: str) -> bool:
    """Whether an address leads into Telegram, as `tg://user?id=…` does, which mentions a person."""
    return url.strip().lower().startswith("tg:")


def can_be_seen(text: str) -> bool:
    """Whether there is a letter, a number, a punctuation mark or a symbol in a text that is shown as something."""
    return any(category(character)[0] in "LNPS" and character not in _BLANK for character in text)
