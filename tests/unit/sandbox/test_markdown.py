"""MarkdownV2 and the older Markdown. Expectations follow TDLib's parse_markdown_v2 and parse_markdown."""

from __future__ import annotations

import pytest

from gateway.sandbox.entities.entity import Entity, ordered
from gateway.sandbox.entities.markdown import parse_markdown
from gateway.sandbox.entities.markdown_v2 import parse_markdown_v2
from gateway.sandbox.errors import InvalidInput


def shown(entities: list[Entity]) -> list[tuple[object, ...]]:
    return [(e.type, e.offset, e.length, *filter(None, (e.argument, e.user_id))) for e in ordered(entities)]


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        (
            "*b* _i_ __u__ ~s~ ||p||",
            "b i u s p",
            [("bold", 0, 1), ("italic", 2, 1), ("underline", 4, 1), ("strikethrough", 6, 1), ("spoiler", 8, 1)],
        ),
        ("", "", []),
        ("\\*\\_\\!\\\\", "*_!\\", []),
        ("____ ** ``", "  ", []),
        ("😀_я *ж*_", "😀я ж", [("italic", 2, 3), ("bold", 4, 1)]),
        ("_a __b___", "a b", [("italic", 0, 3), ("underline", 2, 1)]),
        ("`a*b_c`", "a*b_c", [("code", 0, 5)]),
        ("```\nx```", "x", [("pre", 0, 1)]),
        ("```py\r\nx\\`y```", "x`y", [("pre", 0, 3, "py")]),
        ("[x](example.com/\\)a)", "x", [("text_link", 0, 1, "http://example.com/)a")]),
        ("[example\\.com]", "example.com", [("text_link", 0, 11, "http://example.com/")]),
        ("[x](tg://user?id=5)", "x", [("text_mention", 0, 1, 5)]),
        ("![👍](tg://emoji?id=9)", "👍", [("custom_emoji", 0, 2, "9")]),
        (">a\n>b\nc", "a\nb\nc", [("blockquote", 0, 4)]),
        (">a\n**>b", "a\nb", [("blockquote", 0, 2), ("blockquote", 2, 1)]),
        ("x\n>a\n>b||\ny", "x\na\nb\ny", [("expandable_blockquote", 2, 4)]),
        (">a||b||", "ab", [("blockquote", 0, 2), ("spoiler", 1, 1)]),
        ("*>q\nb*", "q\nb", [("bold", 0, 3), ("blockquote", 0, 2)]),
    ],
)
def test_v2_marks_become_entities(source: str, text: str, entities: list[tuple[object, ...]]) -> None:
    parsed, found = parse_markdown_v2(source)
    assert (parsed, shown(found)) == (text, entities)


@pytest.mark.parametrize("character", "]()>#+-=|{}.!")
def test_v2_reserves_these_characters(character: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_markdown_v2("x" + character)
    assert str(refused.value) == f"Character '{character}' is reserved and must be escaped with the preceding '\\'"
    assert parse_markdown_v2("x\\" + character) == ("x" + character, [])


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("ü*x", "Can't find end of Bold entity at byte offset 2"),
        ("_x *y_", "Can't find end of Italic entity at byte offset 5"),
        ("__x", "Can't find end of Underline entity at byte offset 0"),
        ("~x", "Can't find end of Strikethrough entity at byte offset 0"),
        ("||x", "Can't find end of Spoiler entity at byte offset 0"),
        ("`x", "Can't find end of Code entity at byte offset 0"),
        ("```x", "Can't find end of Pre entity at byte offset 0"),
        ("```x y", "Can't find end of PreCode entity at byte offset 0"),
        ("[x", "Can't find end of TextUrl entity at byte offset 0"),
        ("[x](y", "Can't find end of a URL at byte offset 4"),
        ("![x]", "Custom emoji entity must contain a tg://emoji URL"),
        ("![x](tg://emoji", "Can't find end of a custom emoji URL at byte offset 5"),
        ("![x](http://emoji)", "Custom emoji URL must have scheme tg"),
        ("![x](tg://other)", 'Custom emoji URL must have host "emoji"'),
        ("![x](tg://emoji)", "Custom emoji URL must have an emoji identifier"),
        ("![x](tg://emoji?id=0)", "Invalid custom emoji identifier specified"),
        (">*a\nb*", "Can't find end of Bold entity at byte offset 1"),
        (">a>b", "Character '>' is reserved and must be escaped with the preceding '\\'"),
    ],
)
def test_bad_v2_marks_are_named_with_their_byte(source: str, complaint: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_markdown_v2(source)
    assert str(refused.value) == complaint


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("*b* _i_ `c`", "b i c", [("bold", 0, 1), ("italic", 2, 1), ("code", 4, 1)]),
        ("a.b! (c) \\* \\x", "a.b! (c) * \\x", []),
        ("```py\nx```", "x", [("pre", 0, 1, "py")]),
        ("```\nx```", "x", [("pre", 0, 1)]),
        ("[x](example.com)", "x", [("text_link", 0, 1, "http://example.com/")]),
        ("[](example.com)", "(example.com)", []),
        ("*a _b*", "a _b", [("bold", 0, 4)]),
    ],
)
def test_old_marks_become_entities(source: str, text: str, entities: list[tuple[object, ...]]) -> None:
    parsed, found = parse_markdown(source)
    assert (parsed, shown(found)) == (text, entities)


@pytest.mark.parametrize(("source", "offset"), [("ü*x", 2), ("_x", 0), ("```x``", 0), ("[x", 0), ("`", 0)])
def test_an_old_mark_without_end_is_named_with_its_byte(source: str, offset: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_markdown(source)
    assert str(refused.value) == f"Can't find end of the entity starting at byte offset {offset}"
