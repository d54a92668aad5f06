"""How long a text is to Telegram: in Unicode code points, without its markup and the white space at its ends.

Source of the grammars: TDLib, td/telegram/MessageEntity.cpp, `parse_html` and `parse_markdown_v2`.
"""

from __future__ import annotations

import re

from gateway.desk.markdown import cleaned, render
from gateway.model import TextFormat

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
