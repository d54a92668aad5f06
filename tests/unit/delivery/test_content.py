from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery import content
from gateway.model import Button, Draft, Entity, LinkPreview, Part, TextFormat

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
BUTTONS = st.builds(Button, text=TEXT, url=TEXT, copy_text=TEXT)
ENTITIES = st.builds(
    Entity, kind=TEXT, offset=st.integers(0, 4096), length=st.integers(1, 4096), url=TEXT, language=TEXT
)
DRAFTS = st.builds(
    Draft,
    chat_id=st.just(-100),
    text=TEXT,
    document=TEXT,
    text_format=st.sampled_from(TextFormat),
    entities=st.lists(ENTITIES, max_size=3).map(tuple),
    message_thread_id=st.integers(0, 2**31),
    reply_to_message_id=st.integers(0, 2**31),
    silent=st.booleans(),
    protect_content=st.booleans(),
    link_preview=st.sampled_from(LinkPreview),
    buttons=st.lists(st.lists(BUTTONS, max_size=2).map(tuple), max_size=2).map(tuple),
)


@given(DRAFTS)
def test_what_is_read_is_what_was_written(draft: Draft) -> None:
    assert content.decode(content.encode(draft), -100) == draft


def test_of_a_text_that_was_cut_the_parts_are_kept() -> None:
    parts = (Part(text="one", entities=(Entity(kind="bold", offset=0, length=3),)), Part(text="two"))
    draft = Draft(chat_id=1, text="one two", entities=parts[0].entities, parts=parts, silent=True)
    assert content.decode(content.encode(draft), 1) == Draft(chat_id=1, text="", parts=parts, silent=True)


def test_the_same_content_is_the_same_bytes() -> None:
    draft = Draft(chat_id=1, text="hi", silent=True, message_thread_id=7)
    assert content.encode(draft) == b'{"message_thread_id":7,"silent":true,"text":"hi"}'


def test_what_is_kept_beside_it_is_no_part_of_it() -> None:
    assert content.encode(Draft(chat_id=1, text="hi", request_id="r1")) == content.encode(Draft(chat_id=2, text="hi"))
