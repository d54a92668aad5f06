"""How a long text is cut. The judge of what a part may be is the sandbox's Telegram, which has code of its own."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.desk.cutting import cut
from gateway.desk.graphemes import may_break
from gateway.model import Entity, Part
from gateway.sandbox.entities import cleaning
from gateway.sandbox.entities.entity import Entity as Shown

MOST = 256
PARAGRAPH = "Lorem ipsum dolor sit amet. " * 5
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
GERMANY = "\U0001f1e9\U0001f1ea"


def texts(parts: list[Part]) -> list[str]:
    return [part.text for part in parts]


def bold(offset: int, length: int) -> Entity:
    return Entity(kind="bold", offset=offset, length=length)


@pytest.mark.parametrize(
    ("before", "border", "after"),
    [
        ("one.\ntwo " * 20, "\n\n", "three. four\n" * 10),
        ("one. two " * 20, "\n", "three. four " * 20),
        ("one, two " * 20, "! ", "three four, " * 20),
        ("一二三四" * 50, "。", "五六七八" * 25),
        ("one-two-" * 24, " ", "three" * 30),
        ("one. two " * 20, "\n \n", "    three four " * 15),
    ],
)
def test_it_is_cut_at_the_best_border_of_a_parts_second_half(before: str, border: str, after: str) -> None:
    first, second, *_ = texts(cut(before.rstrip() + border + after, (), MOST))
    assert first == before.rstrip() + border.strip()
    assert after.startswith(second)


def test_an_earlier_better_border_does_not_make_a_part_small() -> None:
    first, *_ = texts(cut("one\n\n" + "two three " * 60, (), MOST))
    assert len(first) > MOST // 2


def test_a_text_that_fits_is_one_part() -> None:
    assert cut("  one\n\ntwo \n", (bold(2, 3),), MOST) == [Part(text="one\n\ntwo", entities=(bold(0, 3),))]


def test_a_word_that_is_too_long_is_cut_where_it_has_to_be() -> None:
    assert texts(cut("x" * 600, (), MOST)) == ["x" * 256, "x" * 256, "x" * 88]


@pytest.mark.parametrize(
    "cluster",
    ["e\u0301", "\u2764\ufe0f", FAMILY, GERMANY, "\U0001f44b\U0001f3fd", "\u1112\u1161\u11ab", "\u1100\uac00", "\r\n"],
)
@pytest.mark.parametrize("before", range(1, 8))
def test_what_is_shown_as_one_character_stays_whole(cluster: str, before: int) -> None:
    parts = texts(cut("x" * (MOST - before) + cluster + "y" * MOST, (), MOST))
    assert any(cluster.strip() in part for part in parts)
    assert sum(part.count("x") + part.count("y") for part in parts) == 2 * MOST - before


def test_flags_are_cut_between_two_of_them() -> None:
    for lead in ("", "x"):
        parts = texts(cut(lead + GERMANY * 300, (), MOST))
        assert "".join(parts) == lead + GERMANY * 300
        assert all(part.removeprefix("x") == GERMANY * (len(part) // 2) for part in parts)


def test_a_pile_of_marks_without_an_end_is_cut_all_the_same() -> None:
    assert "".join(texts(cut("a" + "\u0301" * 600, (), MOST))) == "a" + "\u0301" * 600


def test_a_mark_does_not_lose_the_space_under_it() -> None:
    text = "x" * 200 + " \u0301" + "y" * 200
    assert "".join(texts(cut(text, (), MOST))) == text


@pytest.mark.parametrize("heading", ["Chapter 2", "A list of things:"])
def test_a_heading_stays_with_what_it_heads(heading: str) -> None:
    first, second = texts(cut(f"{PARAGRAPH.strip()}\n\n{PARAGRAPH[:56].strip()}\n\n{heading}\n\n{PARAGRAPH}", (), MOST))
    assert second.startswith(heading)
    assert first.endswith(".")
    everything_is_short = "\n\n".join(["one", "two", "three", "four"] * 20)
    assert len(texts(cut(everything_is_short, (), MOST))[0]) > MOST * 0.9


def test_formatting_goes_on_behind_a_cut() -> None:
    link = Entity(kind="text_link", offset=100, length=300, url="https://e.org/")
    first, second = cut("word " * 100, (link,), MOST)
    assert [(each.offset, each.length, each.url) for each in first.entities] == [(100, len(first.text) - 100, link.url)]
    assert [(each.offset, each.url) for each in second.entities] == [(0, link.url)]
    assert first.entities[0].length + second.entities[0].length == 300 - 1  # the space at the cut


def test_it_is_rather_cut_outside_of_formatting() -> None:
    text = "word " * 40 + "This is bold. " * 6 + "word " * 20
    first, second = cut(text, (bold(200, 83),), MOST)
    assert first.text == ("word " * 40).rstrip()
    assert second.entities == (bold(0, 83),)


def test_a_line_keeps_its_indentation_and_no_more() -> None:
    code = "def f():\n" + "    pass  # and nothing else\n" * 20
    parts = texts(cut(code, (), MOST))
    assert all(part.startswith("    pass") for part in parts[1:])
    assert texts(cut("x" * 200 + "\n" + " " * 65 + "y" * 200, (), MOST))[1] == "y" * 200


def test_white_space_without_an_end_is_no_part() -> None:
    assert texts(cut("one" + " " * 5000 + "two" + "\n" * 5000 + "   three", (), MOST)) == ["one", "two", "   three"]
    assert cut(" \n\t ", (), MOST) == []


def test_what_telegram_takes_for_empty_is_no_part() -> None:
    assert cut("\u200b" * 600, (), MOST) == []
    assert texts(cut("one" + "\u2800" * 600, (), MOST)) == ["one" + "\u2800" * 253]


def test_a_part_has_at_most_100_entities() -> None:
    words = tuple(bold(2 * at, 1) for at in range(120))
    parts = cut("x " * 120 + "y " * 40, words, MOST)
    assert [len(part.entities) for part in parts] == [100, 20]
    # Where they stand in each other, there is no place for a cut that would help.
    parts = cut("word " * 60, [bold(0, 300)] * 120, MOST)
    assert all(len(part.entities) <= 100 for part in parts)
    assert "".join(texts(parts)).replace(" ", "") == "word" * 60


def test_a_mention_does_not_go_on_over_what_can_not_be_seen() -> None:
    mention = Entity(kind="text_link", offset=0, length=260, url="tg://user?id=1")
    first, second = cut("x" * 256 + "\u200b" * 4 + "y" * 300, (mention,), MOST)[:2]
    assert (len(first.entities), len(second.entities)) == (1, 0)


def test_half_a_surrogate_pair_is_not_what_an_entity_is_for() -> None:
    (part,) = cut("\U0001f600\U0001f600x", (bold(1, 2), bold(4, 1), bold(5, 9)), MOST)
    assert part.entities == (bold(0, 4), bold(4, 1))


CHARACTERS = st.sampled_from(
    [*"ab .!\n\t,", "\r", "e\u0301", "\u200b", FAMILY, GERMANY, "\u1112\u1161", "\u2800", " " * 99]
)
RUNS = st.lists(st.tuples(CHARACTERS, st.integers(1, 90)), max_size=25)


@given(RUNS, st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 900)), max_size=12))
@example([("a", 256), (" ", 1), ("b", 9)], [(0, 300)])
def test_every_part_is_a_message_and_together_they_are_the_text(
    runs: list[tuple[str, int]], places: list[tuple[int, int]]
) -> None:
    text = "".join(character * times for character, times in runs)
    size = len(text.encode("utf-16-le")) // 2
    entities = [bold(offset, min(length, size - offset)) for offset, length in places if offset < size]
    at, covered = 0, set[int]()
    for part in cut(text, entities, MOST):
        assert 0 < len(part.text) <= MOST
        begins = text.index(part.text, at)
        assert not text[at:begins].strip(" \t\r\n\u200b\u2800"), "something is lost at a cut"
        at = begins + len(part.text)
        shown, _ = cleaning.cleaned(part.text, [Shown(each.kind, each.offset, each.length) for each in part.entities])
        assert shown, "Telegram takes it for empty"
        first = len(text[:begins].encode("utf-16-le")) // 2
        covered |= {
            unit for each in part.entities for unit in range(first + each.offset, first + each.offset + each.length)
        }
    assert not text[at:].strip(" \t\r\n\u200b\u2800")
    asked = {unit for each in entities for unit in range(each.offset, each.offset + each.length)}
    units = cleaning.units_of(text)
    assert all(units[unit] in " \t\r\n\u200b\u2800" or unit in covered for unit in asked)
    assert all(unit in asked or "\ud800" <= units[unit] <= "\udfff" for unit in covered), (
        "something is formatted that was not"
    )


@given(
    st.lists(
        st.sampled_from(["a", "e\u0301", FAMILY, GERMANY, "\u1112\u1161\u11ab", "\U0001f44b\U0001f3fd"]), min_size=1
    )
)
def test_clusters_break_between_one_another_only(clusters: list[str]) -> None:
    text = "".join(clusters)
    ends = [0]
    for cluster in clusters:
        ends.append(ends[-1] + len(cluster))
    assert [at for at in range(len(text) + 1) if may_break(text, at)] == ends
    assert all(before < after for before, after in pairwise(ends))
