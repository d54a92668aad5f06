"""What a text is to Telegram: how long, in Unicode code points and without its markup, and what is behind its links.

Source of the grammars: TDLib, td/telegram/MessageEntity.cpp, `parse_html` and `parse_markdown_v2`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape

from gateway.desk.markdown import cleaned, covered, render
from gateway.desk.visible import can_be_seen, is_mention
from gateway.model import Entity, TextFormat

# Every alternative takes at least one character and gives none back, so that any text is read in one pass.
# Markup without an end takes the rest: Telegram refuses it, and a length that is too small refuses nothing.
_HTML = re.compile(
    r"""
    < [^ \t\r\n\0\v>]*+
      (?: [ \t\r\n\v]*+ [^ \t\r\n\0\v=>]++
          (?: [ \t\r\n\v]*+ = [ \t\r\n\v]*+ (?: "[^"]*+(?:"|\Z) | '[^']*+(?:'|\Z) | [A-Za-z0-9.-]*+ ) )?+
      )*+
      [ \t\r\n\v]*+ (?: > | [\s\S]*+ )
    | & (?: \# x (?P<hexadecimal>[0-9a-fA-F]{1,6}) (?![0-9a-fA-F])
          | \# (?P<decimal>[0-9]{1,7}) (?![0-9])
          | (?P<name>lt|gt|amp|quot) (?![a-zA-Z]) ) ;?
    """,
    re.VERBOSE,
)
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_LAST_CHARACTER = 0x10FFFF

_ESCAPE = r"\\[\x01-\x7e]"
_CODE = rf"`(?:{_ESCAPE}|[^`])*+(?:`|\Z)"
_MARKDOWN_V2 = re.compile(
    rf"""
    \\(?P<escaped>[\x01-\x7e])
    | ```(?:[^ \t\r\n\0\v`]++(?=[^`]))?+(?:\n\r?|\r\n?)?+
      (?P<block>(?:{_ESCAPE}|[^`]|(?!```){_CODE})*+)(?:```|\Z)
    | (?P<code>{_CODE})
    | \]\((?:{_ESCAPE}|[^)])*+(?:\)|\Z)
    | !\[ | \|\| | [\[\]_*~>]
    """,
    re.VERBOSE,
)
_HREF = re.compile(r"""href[ \t\r\n\v]*=[ \t\r\n\v]*(?:"([^"]*)|'([^']*))""", re.IGNORECASE)
_ESCAPED = re.compile(r"\\([\x01-\x7e])")
_CODE_MARK = re.compile(r"\\([\x01-\x7e])|`")


def visible_length(text: str, text_format: TextFormat) -> int:
    """Return how many Unicode code points Telegram counts in a text: the measure of its limit of 4096.

    Never more than Telegram counts, for markup that it takes; for markup that it refuses, any number.
    """
    match text_format:
        case TextFormat.PLAIN:
            shown = text
        case TextFormat.HTML:
            shown = _HTML.sub(_html_character, text)
        case TextFormat.MARKDOWN_V2:
            shown = _MARKDOWN_V2.sub(_markdown_text, text)
        case _:  # TextFormat.MARKDOWN
            shown, _ = render(text)
    return len(cleaned(shown).strip(" \n"))


def _html_character(found: re.Match[str]) -> str:
    if found["name"]:
        return _NAMED[found["name"]]
    number = int(found["hexadecimal"], 16) if found["hexadecimal"] else int(found["decimal"] or 0)
    if found["hexadecimal"] or found["decimal"]:
        return chr(number) if 0 < number < _LAST_CHARACTER else found[0]
    return ""


def _markdown_text(found: re.Match[str]) -> str:
    if found["escaped"]:
        return found["escaped"]
    return _CODE_MARK.sub(lambda mark: mark[1] or "", found["block"] or found["code"] or "")


def hides_mention(text: str, text_format: TextFormat, entities: Sequence[Entity] = ()) -> bool:
    """Whether a text has a link that mentions somebody and has nothing that can be seen.

    Of MARKDOWN no such link comes out: see `render`.
    """
    if text_format is TextFormat.PLAIN:
        return any(is_mention(entity.url) and not can_be_seen(covered(text, entity)) for entity in entities)
    if text_format is TextFormat.HTML:
        return _html_hides_mention(text)
    return _markdown_hides_mention(text)


def _html_hides_mention(text: str) -> bool:
    seen, at = 0, 0
    tags: list[tuple[int, bool]] = []  # what was seen before each that is open, and whether it mentions somebody
    for found in _HTML.finditer(text):
        seen += can_be_seen(text[at : found.start()] + _html_character(found))
        at = found.end()
        # Any end ends the innermost: where that is another tag, Telegram refuses the text.
        if found[0].startswith("</"):
            if tags and tags.pop() == (seen, True):
                return True
        elif found[0].startswith("<"):
            hrefs = _HREF.findall(found[0])
            tags.append((seen, any(is_mention(unescape(double or single)) for double, single in hrefs)))
    return False


def _markdown_hides_mention(text: str) -> bool:
    seen, at = 0, 0
    links: list[int] = []  # what was seen before each that is open
    for found in _MARKDOWN_V2.finditer(text):
        seen += can_be_seen(text[at : found.start()] + _markdown_text(found))
        at = found.end()
        if found[0] in ("[", "!["):
            links.append(seen)
        elif found[0].startswith("]") and links:
            began = links.pop()
            if began == seen and is_mention(_ESCAPED.sub(r"\1", found[0][2:])):
                return True
    return False
