"""Texts and entities as a chat shows them: cleaned, trimmed, never crossing."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.sandbox.entities import Formatted, finished, read_formatted
from gateway.sandbox.entities.entity import Entity, utf16_length
from gateway.sandbox.errors import Refusal

Shown = list[tuple[str, int, int]]
TYPES = ["bold", "italic", "underline", "strikethrough", "spoiler", "code", "pre", "text_link", "blockquote"]


def show(text: str, *entities: tuple[str, int, int]) -> tuple[str, Shown]:
    done = finished(Formatted(text, [Entity(*entity) for entity in entities]))
    return done.text, [(e.type, e.offset, e.length) for e in done.entities]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (" \n a \n ", "a"),
        ("a\tb\x00c\rd", "a b cd"),
        ("a\u2028b\u030ac", "abc"),
        ("\u200f\u200ea", "\u200c\u200ea"),
        ("\u200b\u2060 \ufeff", ""),
        ("   ", ""),
    ],
)
def test_text_is_cleaned_and_trimmed(given: str, shown: str) -> None:
    assert show(given) == (shown, [])


@pytest.mark.parametrize(
    ("text", "given", "shown"),
    [
        ("  a b  ", [("bold", 0, 7)], ("a b", [("bold", 0, 3)])),
        ("a b", [("bold", 1, 1)], ("a b", [])),
        ("a b", [("text_link", 1, 1)], ("a b", [("text_link", 1, 1)])),
        ("a\rb", [("bold", 2, 1)], ("ab", [("bold", 1, 1)])),
        ("abc", [("bold", 0, 2), ("bold", 1, 2)], ("abc", [("bold", 0, 3)])),
        (
            "abcd",
            [("bold", 0, 3), ("italic", 1, 3)],
            ("abcd", [("bold", 0, 1), ("italic", 1, 3), ("bold", 1, 2)]),
        ),
        ("abc", [("pre", 1, 1), ("bold", 0, 3)], ("abc", [("bold", 0, 1), ("pre", 1, 1), ("bold", 2, 1)])),
        ("abc", [("code", 0, 2), ("text_link", 1, 2)], ("abc", [("code", 0, 2)])),
        ("abc", [("pre", 0, 3), ("blockquote", 1, 1)], ("abc", [("blockquote", 1, 1)])),
        ("abc", [("blockquote", 0, 2), ("blockquote", 1, 2)], ("abc", [("blockquote", 0, 2)])),
        ("abc", [("bold", 0, 0)], ("abc", [])),
    ],
)
def test_entities_follow_the_text_and_never_cross(text: str, given: Shown, shown: tuple[str, Shown]) -> None:
    assert show(text, *given) == shown


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ([("bold", -1, 2)], "receive an entity with incorrect offset -1"),
        ([("bold", 0, -2)], "receive an entity with incorrect length -2"),
        ([("bold", 9, 1)], "entity begins after the end of the text at UTF-16 offset 9"),
        ([("bold", 1, 9)], "entity beginning at UTF-16 offset 1 ends after the end of the text at UTF-16 offset 10"),
        ([("bold", 2, 1)], "entity begins in a middle of a UTF-16 symbol at byte offset 5"),
        ([("bold", 0, 2)], "entity beginning at UTF-16 offset 0 ends in a middle of a UTF-16 symbol at byte offset 5"),
    ],
)
def test_entities_that_do_not_fit_are_refused(given: Shown, complaint: str) -> None:
    with pytest.raises(Refusal) as refused:
        show("a😀b", *given)
    assert refused.value.description == f"Bad Request: {complaint}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see example.com.", [("url", 4, 11)]),
        ("https://a.example/b?c=d, ok", [("url", 0, 23)]),
        ("😀 @some_one", [("mention", 3, 9)]),
        ("mail a.b@example.org", [("email", 5, 15)]),
        ("/start@my_bot now", [("bot_command", 0, 13)]),
        ("#tag #1 $USD $usd", [("hashtag", 0, 4), ("cashtag", 8, 4)]),
        ("1.5 and file.txt or a/b", []),
    ],
)
def test_telegram_finds_entities_by_itself(text: str, shown: Shown) -> None:
    assert show(text) == (text, shown)


def test_what_is_found_never_crosses_what_is_given() -> None:
    assert show("example.com", ("code", 0, 3))[1] == [("code", 0, 3)]
    assert show("example.com", ("blockquote", 0, 3))[1] == [("blockquote", 0, 3)]
    assert show("a example.com", ("italic", 0, 13))[1] == [("italic", 0, 2), ("url", 2, 11), ("italic", 2, 11)]


characters = st.sampled_from("ab *_~`|[]()<>/&!\\>#.\n\r\t\"'=-😀я\u200f")
alphabet = characters | st.sampled_from(["&lt;", "<b>", "</b>", "<i>", "</", "||", "```"])
texts = st.lists(alphabet, max_size=40).map("".join)
spans = st.lists(st.tuples(st.sampled_from(TYPES), st.integers(0, 30), st.integers(0, 30)), max_size=8)


def check(done: Formatted) -> None:
    units = done.text.encode("utf-16-le")
    assert done.text == done.text.strip(" \n")
    for n, entity in enumerate(done.entities):
        assert 0 <= entity.offset < entity.end <= utf16_length(done.text)
        units[2 * entity.offset : 2 * entity.end].decode("utf-16-le")
        for other in done.entities[n + 1 :]:
            assert (other.offset, -other.length) >= (entity.offset, -entity.length)
            assert other.offset >= entity.end or other.end <= entity.end
            assert not (other.offset < entity.end and entity.type in ("code", "pre"))


@given(texts, st.sampled_from(["HTML", "MarkdownV2", "Markdown", ""]))
@settings(max_examples=3 * settings().max_examples)
def test_any_text_is_shown_or_refused(text: str, parse_mode: str) -> None:
    with suppress(Refusal):
        check(finished(read_formatted(text, parse_mode, None)))


@given(texts, spans)
@settings(max_examples=3 * settings().max_examples)
def test_any_entities_are_shown_or_refused(text: str, entities: Shown) -> None:
    with suppress(Refusal):
        check(finished(Formatted(text, [Entity(*entity) for entity in entities])))
