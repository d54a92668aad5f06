"""Entities Telegram finds by itself: mentions, hashtags, cashtags, commands, links and e-mail addresses.

A narrowed version of TDLib's `find_entities` (MessageEntity.cpp): bare domains only under well-known endings, no
phone or bank card numbers.
"""

from __future__ import annotations

import re

from .entity import Entity, utf16_length

_ENDINGS = "com|org|net|edu|gov|info|biz|io|dev|app|me|ru|de|uk|fr|eu|us|it|nl|es|pl|cn|jp|in|br|ai|co|tv|cc|xyz|online"
_HOST = r"(?:[\w](?:[\w-]{0,62}[\w])?\.)+"
_PATTERNS = (
    ("email", rf"(?<![\w.+-])[\w.+-]{{1,64}}@{_HOST}[a-zA-Z]{{2,24}}(?![\w@-])"),
    (
        "url",
        rf"(?:(?<!\w)(?:https?|ftp)://{_HOST}[^\W\d_]{{2,24}}|(?<![\w.@-]){_HOST}(?:{_ENDINGS})(?![\w-]))"
        r"(?::\d{1,5})?(?:[/?#][^\s<>\"]*)?",
    ),
    ("mention", r"(?<![\w@/])@[A-Za-z0-9_]{4,32}(?!\w)"),
    ("bot_command", r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/<>])"),
    ("hashtag", r"(?<![\w#])#(?=\w*[^\W\d_])\w{1,256}(?![\w#])"),
    ("cashtag", r"(?<![\w$])\$[A-Z]{1,8}(?![\w$])"),
)
_ANY = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _PATTERNS), re.IGNORECASE)
_HINT = re.compile(r"[@/#$.]")
_SENTENCE_END = ".,:;!?)'\"]}"


def detected(text: str) -> list[Entity]:
    """What the text itself shows, in order, without overlaps."""
    if not _HINT.search(text):
        return []
    found = []
    for match in _ANY.finditer(text):
        kind = match.lastgroup or ""
        shown = match[0]
        if kind == "cashtag" and shown != shown.upper():
            continue
        if kind == "url":
            shown = shown.rstrip(_SENTENCE_END)
        found.append(Entity(kind, utf16_length(text[: match.start()]), utf16_length(shown)))
    return found
