"""Markdown as people write it: what a chat shows of it. The judge of the entities is the sandbox's Telegram."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.desk.markdown import MAX_BRACKETS, MAX_SOURCE, render
from gateway.model import Entity
from gateway.sandbox.entities import cleaning
from gateway.sandbox.entities import entity as telegram

MARKS = ("*", "**", "_", "~~", "`", "```", "```py\n", "[", "](", ")", "![", "https://e.org", "<", ">", "\n", "\n\n")
MARKS += (
    "- ",
    "1. ",
    "> ",
    "# ",
    "    ",
    "---",
    "|",
    "\\",
    "&nbsp;",
    "&#13;",
    "<b>",
    "[a]: /b",
    "a",
    "é",
    "😀",
    " ",
    "\t",
)
MARKS += ("\x00", "\r", "\u2028", "\u030a")
markdown = st.lists(st.sampled_from(MARKS), max_size=30).map("".join) | st.text()


def shown(source: str) -> tuple[str, list[tuple[str, str]]]:
    """The text, and each entity as its kind and the part of the text that it covers."""
    text, entities = render(source)
    units = text.encode("utf-16-le")
    return text, [(e.kind, units[2 * e.offset : 2 * (e.offset + e.length)].decode("utf-16-le")) for e in entities]


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("plain", "plain", []),
        ("", "", []),
        ("a **b** *c* ~~d~~ `e`", "a b c d e", [("bold", "b"), ("italic", "c"), ("strikethrough", "d"), ("code", "e")]),
        ("***a** b*", "a b", [("italic", "a b"), ("bold", "a")]),
        ("**one `two` three**", "one two three", [("bold", "one"), ("code", "two"), ("bold", "three")]),
        ("**one **two** three**", "one two three", [("bold", "one two three")]),
        ("# Title\ntext", "Title\n\ntext", [("bold", "Title")]),
        ("one  \ntwo\nthree", "one\ntwo\nthree", []),
        ("```py x\nif a:\n    b\n```\nend", "if a:\n    b\n\nend", [("pre", "if a:\n    b")]),
        ("> one\n>\n> > two\n\nend", "one\n\ntwo\n\nend", [("blockquote", "one\n\ntwo")]),
        ("> - a\n> - b", "• a\n• b", [("blockquote", "• a\n• b")]),
        ("- **a**\n  b\n  - c\n- d\n\nend", "• a\n  b\n  • c\n• d\n\nend", [("bold", "a")]),
        ("3. a\n4. b\n   - c", "3. a\n4. b\n   • c", []),
        ("- a\n-\n- b", "• a\n• \n• b", []),
        ("[b **c** `d`](https://e.org)", "b c d", [("text_link", "b c d"), ("bold", "c")]),
        ("<https://e.org/x>", "https://e.org/x", [("text_link", "https://e.org/x")]),
        ("[a](mailto:b@e.org) [c](/d) [e](https://)", "a c e", []),
        ("[a](javascript:b)", "[a](javascript:b)", []),
        ("![alt *b*](https://e.org/p.png)", "alt b", [("text_link", "alt b"), ("italic", "b")]),
        ("![](https://e.org/p.png)", "https://e.org/p.png", [("text_link", "https://e.org/p.png")]),
        ("[![alt](https://e.org/p)](https://e.org/)", "alt", [("text_link", "alt")]),
        ("[a][1]\n\n[1]: https://e.org", "a", [("text_link", "a")]),
        ("[INFO]: started", "[INFO]: started", []),
        ("<b>a</b> &lt; 5 \\* 6", "<b>a</b> < 5 * 6", []),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "| a | b |\n|---|---|\n| 1 | 2 |", []),
        ("**😀** *é*", "😀 é", [("bold", "😀"), ("italic", "é")]),
        ("**&nbsp;**", "\xa0", []),
        ("snake_case_name 2*3*4", "snake_case_name 234", [("italic", "3")]),
        ("a\n\n---\n\nb", "a\n\n---\n\nb", []),
    ],
)
def test_markdown_is_shown_as_its_author_means_it(source: str, text: str, entities: list[tuple[str, str]]) -> None:
    assert shown(source) == (text, entities)


def test_entities_are_counted_in_utf16_code_units_and_carry_what_they_need() -> None:
    text, entities = render("😀 **😀** [x](https://e.org/?a=1) `y`\n```rust\nz\n```")
    assert text == "😀 😀 x y\n\nz"
    assert entities == (
        Entity(kind="bold", offset=3, length=2),
        Entity(kind="text_link", offset=6, length=1, url="https://e.org/?a=1"),
        Entity(kind="code", offset=8, length=1),
        Entity(kind="pre", offset=11, length=1, language="rust"),
    )


def test_of_more_than_a_hundred_entities_the_later_ones_go_and_the_text_stays() -> None:
    text, entities = render("*a* " * 150)
    assert text == ("a " * 150).strip()
    assert [entity.offset for entity in entities] == [2 * number for number in range(100)]


@pytest.mark.parametrize("source", ["> " * 200 + "deep", "- " * 200 + "deep"])
def test_a_text_nested_too_deeply_is_kept_as_it_is(source: str) -> None:
    assert render(source) == (source, ())


def test_a_text_too_long_to_be_rendered_is_kept_as_it_is() -> None:
    source = "*a* " * MAX_SOURCE
    assert render(source) == (source.strip(), ())


def test_a_text_of_more_brackets_than_can_be_links_is_kept_as_it_is() -> None:
    assert render("*a*" + "[" * MAX_BRACKETS)[1]
    source = "*a*" + "[" * (MAX_BRACKETS + 1)
    assert render(source) == (source, ())


def looks(entities: list[telegram.Entity]) -> dict[int, set[tuple[str, str]]]:
    """Return how each place of a text looks: of two entities of a kind that touch, Telegram makes one."""
    places: dict[int, set[tuple[str, str]]] = {}
    for entity in entities:
        for place in range(entity.offset, entity.end):
            places.setdefault(place, set()).add((entity.type, entity.argument))
    return places


@given(markdown)
@example("*_*_*_")
def test_any_text_is_rendered_to_what_telegram_shows_unchanged(source: str) -> None:
    text, entities = render(source)
    given_to_telegram = [telegram.Entity(e.kind, e.offset, e.length, e.url or e.language) for e in entities]
    seen, kept = cleaning.cleaned(text, given_to_telegram)
    assert len(seen) in (len(text), 0)  # nothing but invisible characters is an empty message
    if seen:
        assert looks(kept) == looks(given_to_telegram)


@given(markdown)
def test_no_entity_is_empty_and_only_links_have_an_address(source: str) -> None:
    text, parts = shown(source)
    assert text == text.strip(" \n")
    assert all(part and part == part.strip() for _, part in parts)
    assert all((entity.kind == "text_link") == bool(entity.url) for entity in render(source)[1])


@given(st.text(alphabet=st.characters(categories=["Lu", "Ll", "Nd"]), min_size=1))
def test_words_stay_words(source: str) -> None:
    expected = "".join(character for character in source if character not in "\u030a\u0333\u033f")
    assert render(source) == (expected, ())
