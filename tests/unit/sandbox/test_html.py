"""HTML marks, with the byte offsets Telegram complains about. Expectations follow TDLib's parse_html."""

from __future__ import annotations

import pytest

from gateway.sandbox.entities.entity import ordered
from gateway.sandbox.entities.html import parse_html
from gateway.sandbox.errors import InvalidInput


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("", "", []),
        ("a &lt;b&gt; &amp;amp &quot;&nbsp;&#x1F600;&#33;", 'a <b> &amp "&nbsp;😀!', []),
        ("<b>bold</b> <strong>x</strong>", "bold x", [("bold", 0, 4), ("bold", 5, 1)]),
        ("😀<i>я</i><em>ü</em>", "😀яü", [("italic", 2, 1), ("italic", 3, 1)]),
        ("<u>a</u><ins>b</ins>", "ab", [("underline", 0, 1), ("underline", 1, 1)]),
        ("<s>a</s><strike>b</strike><del>c</del>", "abc", [("strikethrough", n, 1) for n in range(3)]),
        ("<b>a<i>b</></B >", "ab", [("bold", 0, 2), ("italic", 1, 1)]),
        ('<span class="tg-spoiler">x</span><tg-spoiler>y</tg-spoiler>', "xy", [("spoiler", 0, 1), ("spoiler", 1, 1)]),
        ("<b></b><i>\n</i>", "\n", [("italic", 0, 1)]),
        ("<pre>x</pre><code>y</code>", "xy", [("pre", 0, 1), ("code", 1, 1)]),
        ('<pre><code class="language-go">x</code></pre>', "x", [("pre", 0, 1, "go")]),
        ('<code class="language-go"><pre>x</pre></code>', "x", [("pre", 0, 1, "go")]),
        ('<pre>a<code class="language-go">x</code></pre>', "ax", [("pre", 0, 2), ("code", 1, 1)]),
        ("<blockquote>q</blockquote>", "q", [("blockquote", 0, 1)]),
        ("<blockquote expandable>q</blockquote>", "q", [("expandable_blockquote", 0, 1)]),
        ("<a href='Example.COM?a=&lt;'>x</a>", "x", [("text_link", 0, 1, "http://example.com/?a=<")]),
        ("<a>example.com</a>", "example.com", [("text_link", 0, 11, "http://example.com/")]),
        ("<a href='nowhere'>x</a>", "x", []),
        ("<a href='tg://user?id=12'>x</a>", "x", [("text_mention", 0, 1, 12)]),
        ("<tg-emoji emoji-id='54'>👍</tg-emoji>", "👍", [("custom_emoji", 0, 2, "54")]),
        ("<tg-time unix='1647531900' format='wDT'>then</tg-time>", "then", [("date_time", 0, 4, "wDT")]),
        ("<b any = thing other='x' flag>y</b>", "y", [("bold", 0, 1)]),
        ("AT&T & <b>x</b> &;", "AT&T & x &;", [("bold", 7, 1)]),
    ],
)
def test_marks_become_entities(source: str, text: str, entities: list[tuple[object, ...]]) -> None:
    parsed, found = parse_html(source)
    assert parsed == text
    shown = [(e.type, e.offset, e.length, *filter(None, (e.argument, e.user_id))) for e in ordered(found)]
    assert [s[: len(e)] for s, e in zip(shown, entities, strict=True)] == entities


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("ü<foo>x</foo>", 'Unsupported start tag "foo" at byte offset 2'),
        ("a <b", "Unclosed start tag at byte offset 2"),
        ("😀<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>ü</i>", 'Unmatched end tag at byte offset 5, expected "</b>", found "</i>"'),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<b =x>", 'Empty attribute name in the tag "b" at byte offset 0'),
        ("<b a= ", 'Unclosed start tag "b" at byte offset 0'),
        ("<b a='x>", "Unclosed start tag at byte offset 0"),
        ("<b a=x,>", "Unexpected end of name token at byte offset 5"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ("<tg-emoji>x</tg-emoji>", "Invalid custom emoji identifier specified"),
        ("&#xD83D;", "Text contains invalid Unicode characters after decoding HTML entities, "),
        ("1 < 2", 'Unsupported start tag "" at byte offset 2'),
    ],
)
def test_bad_marks_are_named_with_their_byte(source: str, complaint: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_html(source)
    assert str(refused.value).startswith(complaint)
