"""A text that is too long, and what its client wants done with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.desk.overflow import MAX_CAPTION, MAX_PARTS, fitted
from gateway.errors import RequestIdReused, RequestInvalid, TextTooLong
from gateway.model import Draft, Entity, Overflow, State, TextFormat
from tests.support.open_house import CHAT, House, open_house

LONG = "A sentence of five words. " * 400
"""10,399 characters without the last space: three parts."""


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house() as opened:
        yield opened


def a_draft(text: str = LONG, overflow: Overflow = Overflow.SPLIT, **fields: Any) -> Draft:
    return Draft(chat_id=CHAT, text=text, overflow=overflow, **fields)


async def send(house: House, draft: Draft) -> list[Draft]:
    message = await house.desk.send_message(house.caller(), draft, timedelta(minutes=1))
    assert message.state is State.DELIVERED
    assert len(message.telegram_message_ids) == message.parts == len(house.telegram.sent)
    return house.telegram.sent


async def test_a_long_text_is_refused_unless_something_else_is_asked_for(house: House) -> None:
    with pytest.raises(TextTooLong) as refused:
        await send(house, a_draft(overflow=Overflow.REJECT))
    assert refused.value.facts == {"length": str(len(LONG) - 1), "limit": "4096"}


@pytest.mark.parametrize("overflow", Overflow)
@pytest.mark.parametrize("text_format", [TextFormat.PLAIN, TextFormat.MARKDOWN])
async def test_a_text_that_fits_is_sent_as_usual(house: House, overflow: Overflow, text_format: TextFormat) -> None:
    (sent,) = await send(house, a_draft("x" * 4096, overflow, text_format=text_format))
    assert (sent.text, sent.parts, sent.document) == ("x" * 4096, (), "")


async def test_markdown_that_fits_has_100_entities_at_most_as_ever(house: House) -> None:
    (sent,) = await send(house, a_draft("*x* " * 300, text_format=TextFormat.MARKDOWN))
    assert len(sent.entities) == 100


@pytest.mark.parametrize("text_format", [TextFormat.HTML, TextFormat.MARKDOWN_V2])
@pytest.mark.parametrize("overflow", [Overflow.SPLIT, Overflow.DOCUMENT])
async def test_a_format_that_telegram_parses_can_only_be_refused(
    house: House, text_format: TextFormat, overflow: Overflow
) -> None:
    with pytest.raises(RequestInvalid) as refused:
        await send(house, a_draft("short", overflow, text_format=text_format))
    assert [path for path, _ in refused.value.violations] == ["overflow"]
    with pytest.raises(RequestInvalid) as refused:
        await send(house, a_draft(LONG, overflow, text_format=text_format))
    assert type(refused.value) is RequestInvalid


async def test_a_long_text_is_sent_in_parts(house: House) -> None:
    sent = await send(house, a_draft(request_id="r1"))
    assert [len(part.text) <= 4096 for part in sent] == [True] * 3
    assert " ".join(part.text for part in sent) == LONG.strip()


async def test_markdown_is_cut_as_it_is_shown(house: House) -> None:
    sent = await send(house, a_draft("**bold** and _more_, " * 400, text_format=TextFormat.MARKDOWN))
    assert " ".join(part.text for part in sent) == ("bold and more, " * 400).strip()
    assert sum(len(part.entities) for part in sent) == 800
    assert max(len(part.entities) for part in sent) == 100


async def test_entities_are_cut_with_their_text(house: House) -> None:
    sent = await send(house, a_draft(entities=(Entity(kind="italic", offset=0, length=len(LONG) - 1),)))
    assert [part.entities for part in sent] == [
        (Entity(kind="italic", offset=0, length=len(part.text)),) for part in sent
    ]


@pytest.mark.parametrize(
    ("draft", "length", "limit"),
    [
        (a_draft("*x* " * 2500 + "x" * 6400, text_format=TextFormat.MARKDOWN), 16_400, 16_384),
        (a_draft(("x" * 2100 + "\n\n") * 40), 40, MAX_PARTS),
    ],
)
async def test_there_are_bounds(house: House, draft: Draft, length: int, limit: int) -> None:
    with pytest.raises(TextTooLong) as refused:
        await send(house, draft)
    assert refused.value.facts == {"length": str(length), "limit": str(limit)}
    explained = house.desk.explain(house.caller(), draft)
    assert (explained.rule, explained.parts) == ("content", 0)


@pytest.mark.parametrize("text", ["x" * 65_500, ("x" * 2048 + "\n\n" + "x" * 2048 + " ") * 15])
def test_what_fills_a_request_can_be_split(text: str) -> None:
    draft = a_draft(text)
    assert len(fitted(draft, draft).parts) <= MAX_PARTS


@pytest.mark.parametrize("overflow", [Overflow.SPLIT, Overflow.DOCUMENT])
async def test_a_long_text_with_nothing_to_be_seen_is_refused(house: House, overflow: Overflow) -> None:
    with pytest.raises(RequestInvalid) as refused:
        await send(house, a_draft("\u200b" * 5000, overflow))
    assert refused.value.violations == (("text", "has nothing that can be seen"),)


async def test_what_is_left_of_a_text_may_be_one_message(house: House) -> None:
    (sent,) = await send(house, a_draft("x" + "\u2800" * 4096, entities=(Entity(kind="bold", offset=0, length=1),)))
    assert (sent.text[0], len(sent.text), len(sent.entities)) == ("x", 4096, 1)


async def test_a_long_text_is_sent_as_a_document_that_says_how_it_begins(house: House) -> None:
    text = "# Report\n\n" + LONG
    (sent,) = await send(house, a_draft(text, Overflow.DOCUMENT, text_format=TextFormat.MARKDOWN))
    assert sent.document == text
    assert sent.text.startswith("Report\n\nA sentence")
    assert sent.text.endswith("words.")
    assert MAX_CAPTION / 2 < len(sent.text) <= MAX_CAPTION
    assert sent.entities == (Entity(kind="bold", offset=0, length=6),)


async def test_explain_says_in_how_many_parts(house: House) -> None:
    caller = house.caller()
    asked = [a_draft(), a_draft(overflow=Overflow.DOCUMENT), a_draft("short")]
    explained = [house.desk.explain(caller, draft) for draft in asked]
    assert [(each.allowed, each.parts) for each in explained] == [(True, 3), (True, 1), (True, 1)]
    assert explained[0].text_length == explained[1].text_length == len(LONG) - 1
    for draft in asked:
        house.desk.validate_message(caller, draft)
    assert not house.telegram.sent


async def test_another_overflow_is_another_request(house: House) -> None:
    draft = a_draft("short", request_id="r1")
    await send(house, draft)
    with pytest.raises(RequestIdReused):
        await house.desk.send_message(house.caller(), replace(draft, overflow=Overflow.REJECT), None)
