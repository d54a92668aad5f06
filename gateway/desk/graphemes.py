"""What is shown as one character, and so must not be cut: the clusters of Unicode Standard Annex 29, in short.

The rules for marks, joiners, emoji, flags and Hangul are there; those for scripts in which a mark stands first are not.
"""

from __future__ import annotations

from unicodedata import category

_JOINER = "\u200d"


def may_break(text: str, at: int) -> bool:
    """Whether a text may be cut before its character number `at`."""
    if not 0 < at < len(text):
        return True
    before, after = text[at - 1], text[at]
    if before.isascii() and after.isascii():
        return before != "\r" or after != "\n"
    if _goes_with_what_is_before(after) or before == _JOINER or _is_syllable(before, after):
        return False
    return not (_is_flag(before) and _is_flag(after)) or _flags_before(text, at) % 2 == 0


def _goes_with_what_is_before(character: str) -> bool:
    return (
        category(character) in ("Mn", "Mc", "Me")  # marks, and what selects a variation
        or character in ("\u200c", _JOINER)
        or "\U0001f3fb" <= character <= "\U0001f3ff"  # tones of skin
        or "\U000e0020" <= character <= "\U000e007f"  # tags, as in the flag of Wales
    )


def _is_syllable(before: str, after: str) -> bool:
    if "\u1160" <= after <= "\u11ff":
        return True
    return "\u1100" <= before <= "\u115f" and ("\u1100" <= after <= "\u115f" or "\uac00" <= after <= "\ud7a3")


def _is_flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flags_before(text: str, at: int) -> int:
    first = at
    while first and _is_flag(text[first - 1]):
        first -= 1
    return at - first
