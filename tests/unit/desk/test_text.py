"""The length of a text to Telegram. The judge is the sandbox's Telegram, which has parsers of its own."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from gateway.desk.text import visible_length
from gateway.model import TextFormat
from gateway.sandbox.entities import cleaning
from gateway.sandbox.entities.html import parse_html
from gateway.sandbox.entities.markdown_v2 import parse_markdown_v2
from gateway.sandbox.errors import InvalidInput

PLAIN, HTML, MARKDOWN_V2, MARKDOWN = TextFormat.PLAIN, TextFormat.HTML, TextFormat.MARKDOWN_V2, TextFormat.MARKDOWN

HTML_PARTS = ("<b>", "</b>", "<i>", "</i>", "</>", '<a href="http://e.org/?a>b">', "<a href='&lt;'>", "</a>", "<pre>")
HTML_PARTS += ('<code class="language-py">', "</code>", "</pre>", "&lt;", "&amp", "&#128512;", "&#xe9", "&nbsp;", "&")
HTML_PARTS += (
    "&#0;",
    "&#x1234567;",
    "<blockquote expandable>",
    "</blockquote >",
    '<b ">',
    "<b x=y>",
    "<B\n>",
    "\r",
    "a",
)
HTML_PARTS += ('<tg-emoji emoji-id="5">', "</tg-emoji>", "é", "😀", " ", "\n", "\u2028", "\t", '"', "'", ">", "&lt")
MARKDOWN_V2_PARTS = (
    "*",
    "_",
    "__",
    "~",
    "||",
    "`",
    "```",
    "```py\n",
    "```\r\n",
    "[",
    "](https://e.org)",
    "](a\\)b)",
    "]",
)
MARKDOWN_V2_PARTS += (
    "![",
    "](tg://emoji?id=5)",
    ">",
    "\n>",
    "**>",
    "||\n",
    "\\",
    "\\_",
    "\\`",
    "\\\\",
    "\\.",
    "a",
    "b c",
)
MARKDOWN_V2_PARTS += ("\n", "\r", " ", "é", "😀", "\u030a", ".")


def texts_of(parts: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(parts), min_size=1, max_size=12).map("".join)


def nested(wrappers: tuple[tuple[str, str], ...], leaves: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Texts whose markup is mostly whole."""
    leaf = st.lists(st.sampled_from(leaves), max_size=4).map("".join)
    wrapped = st.recursive(
        leaf,
        lambda inner: st.tuples(st.sampled_from(wrappers), inner, inner).map(
            lambda t: f"{t[0][0]}{t[1]}{t[0][1]}{t[2]}"
        ),
        max_leaves=6,
    )
    return wrapped | texts_of(leaves + tuple(mark for wrapper in wrappers for mark in wrapper))


html = texts_of(HTML_PARTS) | nested(
    (
        ("<b>", "</b>"),
        ('<a href="http://e.org/?a>b">', "</a>"),
        ("<pre>", "</pre>"),
        ('<b ">', "</>"),
        ("<u\n>", "</U >"),
    ),
    ("&lt;", "&#128512;", "&amp", "&", "a", " ", "\n", "\r", "é", ">", "&#13;"),
)
MARKDOWN_V2_WRAPPERS = (
    ("*", "*"),
    ("||", "||"),
    ("`", "`"),
    ("```py\n", "```"),
    ("```", "```"),
    ("[", "](https://e.org)"),
)
MARKDOWN_V2_WRAPPERS += (("![", "](tg://emoji?id=5)"), (">", "\n"), ("**>", "||\n"))
markdown_v2 = texts_of(MARKDOWN_V2_PARTS) | nested(
    MARKDOWN_V2_WRAPPERS, ("\\_", "\\`", "\\\\", "a", " ", "é", "😀", "\\.", "\r", "\n")
)


def counted_by_telegram(text: str, text_format: TextFormat) -> int:
    """How many characters the sandbox shows; discards a text whose markup it refuses."""
    try:
        parsed = {HTML: parse_html, MARKDOWN_V2: parse_markdown_v2}[text_format](text)
        shown, _ = cleaning.cleaned(*parsed)
    except InvalidInput:
        assume(False)
    assume(shown)
    return len(shown)


@pytest.mark.parametrize(
    ("text", "text_format", "length"),
    [
        ("  hello \n", PLAIN, 5),
        ("😀" * 4096, PLAIN, 4096),
        ("<b>&lt;", PLAIN, 7),
        ("a\r\nb\u2028\tc", PLAIN, 5),
        ("<b>hello</b> &lt;&#128512;&amp;", HTML, 9),
        ('<a href="https://e.org/?a>b">x</a>', HTML, 1),
        (" <b> a </b> ", HTML, 1),
        ("&nbsp;&copy;", HTML, 12),
        ("*bold* _it_ __u__ ~s~ ||sp||", MARKDOWN_V2, 14),
        ("a\\.b\\\\", MARKDOWN_V2, 4),
        ("```python\nx = [1]\n```", MARKDOWN_V2, 7),
        ("`a*b\\`c`", MARKDOWN_V2, 5),
        ("[text](https://e.org/a\\)b) x", MARKDOWN_V2, 6),
        ("![👍](tg://emoji?id=5368324170671202286)", MARKDOWN_V2, 1),
        (">a\n>b\n**>c||", MARKDOWN_V2, 5),
        ("# **a** [b](https://e.org)", MARKDOWN, 3),
    ],
)
def test_a_text_is_as_long_as_telegram_counts(text: str, text_format: TextFormat, length: int) -> None:
    assert visible_length(text, text_format) == length


@pytest.mark.parametrize("text_format", TextFormat)
@pytest.mark.parametrize("text", ["<" * 9, "<a href='", "`" * 7, "```", "[a](", "\\", "&#", "]", "\ud800", ""])
def test_broken_markup_is_no_error(text: str, text_format: TextFormat) -> None:
    assert 0 <= visible_length(text, text_format) <= len(text)


@given(html)
@example('<b "></b><a href="> a long address">x</a>')
def test_html_is_never_longer_than_telegram_counts(text: str) -> None:
    assert visible_length(text, HTML) <= counted_by_telegram(text, HTML)


@given(markdown_v2)
@example("**>quoted||\n**>and again||")
@example("```a`b`c```")
def test_markdown_v2_is_never_longer_than_telegram_counts(text: str) -> None:
    assert visible_length(text, MARKDOWN_V2) <= counted_by_telegram(text, MARKDOWN_V2)


@given(st.text(alphabet="ab \n<>&\"'é😀\r"), st.sampled_from(["<b>{}</b>", "x<pre>{}</pre>y", "<u><i>{}</i></u>"]))
def test_escaped_html_is_exactly_as_long_as_telegram_counts(content: str, frame: str) -> None:
    text = frame.format(content.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;"))
    assert visible_length(text, HTML) == counted_by_telegram(text, HTML)


@given(
    st.text(alphabet="ab \n*_[]()~`>#+-=|{}.!\\é😀\r"), st.sampled_from(["*{}*", "x```{}```y", "[{}](https://e.org)x"])
)
def test_escaped_markdown_v2_is_exactly_as_long_as_telegram_counts(content: str, frame: str) -> None:
    text = frame.format("".join(f"\\{c}" if c in "*_[]()~`>#+-=|{}.!\\" else c for c in content))
    assume(not content[:1].isspace())  # space at the start of a link stays; after ``` a word may name a language
    assert visible_length(text, MARKDOWN_V2) == counted_by_telegram(text, MARKDOWN_V2)
