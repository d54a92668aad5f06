"""Nobody is mentioned behind nothing: threat row 17. The judge of HTML and MarkdownV2 is the sandbox's Telegram."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from gateway.desk.checks import require_sound
from gateway.desk.markdown import covered, render
from gateway.desk.text import hides_mention
from gateway.desk.visible import can_be_seen, is_mention
from gateway.errors import RequestInvalid
from gateway.model import Draft, Entity, TextFormat
from gateway.sandbox.entities.html import parse_html
from gateway.sandbox.entities.markdown_v2 import parse_markdown_v2
from gateway.sandbox.errors import InvalidInput

PLAIN, HTML, MARKDOWN_V2, MARKDOWN = TextFormat.PLAIN, TextFormat.HTML, TextFormat.MARKDOWN_V2, TextFormat.MARKDOWN
USER = "tg://user?id=777000"
NOTHINGS = ["", " ", "\u200b", "\u2060", "\u00a0", "\u2800", "\u3164", "\u200d\ufe0f", "\u0301", "\n", "\U000e0041"]
SOMETHINGS = ["a", ".", "😀", "é", "¥", "ה", "٣", "\u200b!", "1\ufe0f\u20e3"]


@pytest.mark.parametrize("shown", NOTHINGS)
def test_row_17_what_is_nothing_to_the_eye(shown: str) -> None:
    assert not can_be_seen(shown)


@pytest.mark.parametrize("shown", SOMETHINGS)
def test_what_can_be_seen(shown: str) -> None:
    assert can_be_seen(shown)


@pytest.mark.parametrize("url", [USER, "TG://USER?id=5", "tg:user?id=5", " tg://openmessage?user_id=5"])
def test_row_17_an_address_that_mentions_somebody(url: str) -> None:
    assert is_mention(url)
    assert not is_mention(f"https://example.com/?{url}")


@pytest.mark.parametrize(
    ("text", "text_format"),
    [
        (f'Alert<a href="{USER}">\u200b</a>!', HTML),
        (f"Alert<A\nclass=x HREF = '{USER}' ><b> </b>\u2060</A >", HTML),
        ('x<a href="&#116;&#x67;://user?id=5">&#8203;</a>', HTML),
        (f'x<a href="https://example.com" href="{USER}">\u200b</a>', HTML),
        (f'<a href="https://example.com">see</a><a href="{USER}">\u200b</a>', HTML),
        (f'x<a href="{USER}">\u200b<a href="https://example.com">\u200b</a></a>', HTML),
        (f'x<a href="{USER}">\u200b</>', HTML),
        (f"Alert[\u200b]({USER})", MARKDOWN_V2),
        (f"x[![\u200b](https://example.com)]({USER})", MARKDOWN_V2),
        (r"x[*\ *](tg://user\?id=5)", MARKDOWN_V2),
        (r"[a](https://example.com)[](\t\g://user?id=5)", MARKDOWN_V2),
    ],
)
def test_row_17_markup_that_mentions_over_nothing_is_found(text: str, text_format: TextFormat) -> None:
    draft = Draft(chat_id=5, text=text, text_format=text_format)
    with pytest.raises(RequestInvalid) as refused:
        require_sound(draft, draft, datetime(2030, 1, 1, tzinfo=UTC))
    assert refused.value.violations == (("text", "has a tg link over nothing that can be seen"),)


@pytest.mark.parametrize(
    ("text", "text_format"),
    [
        (f'<a href="{USER}">Ann</a>, <a href="https://example.com">\u200b</a>', HTML),
        (f'<a href="{USER}"><b>\u200b</b>A</a>', HTML),
        (f'<a href="{USER}">&lt;</a><abbr href="{USER}">', HTML),
        (f"[Ann]({USER}) [\u200b](https://example.com)", MARKDOWN_V2),
        (f"[`[`]({USER}) [\\[]({USER})", MARKDOWN_V2),
        (f"[x]({USER}", MARKDOWN_V2),
        ("![👍](tg://emoji?id=5)", MARKDOWN_V2),
        ("nothing", HTML),
        (f'</a><a href="{USER}">', HTML),
        ("](tg://user?id=5)", MARKDOWN_V2),
        ("nothing", MARKDOWN_V2),
        (f"[\u200b]({USER})", PLAIN),
    ],
)
def test_markup_whose_mentions_can_be_seen_is_left_alone(text: str, text_format: TextFormat) -> None:
    assert not hides_mention(text, text_format)


def test_row_17_an_entity_over_nothing_is_refused() -> None:
    for text, is_refused in (("😀\u200b", True), ("😀a", False)):
        link = Entity(kind="text_link", offset=2, length=1, url=USER)
        assert hides_mention(text, PLAIN, [Entity(kind="bold", offset=0, length=2), link]) is is_refused
    draft = Draft(chat_id=5, text="😀\u200b", entities=(link,))
    with pytest.raises(RequestInvalid) as refused:
        require_sound(draft, draft, datetime(2030, 1, 1, tzinfo=UTC))
    assert refused.value.violations == (("entities", "has a tg link over nothing that can be seen"),)


@pytest.mark.parametrize("nothing", ["\u200b", "\u2060", "&#8203;", "&nbsp;", ""])
def test_row_17_of_markdown_no_mention_over_nothing_comes(nothing: str) -> None:
    text, entities = render(f"Alert[{nothing}]({USER}) by [Ann]({USER})")
    assert [covered(text, entity) for entity in entities] == ["Ann"]


hidden_parts = st.sampled_from(["\u200b", "\u2060", " ", "a", "b c", "\u00a0"])
urls = st.sampled_from([USER, "tg:user?id=5", "https://example.com", "TG://user/?id=9"])


def judged(text: str, parse: object) -> bool:
    """Whether the sandbox finds a mention over nothing; discards a text whose markup it refuses."""
    try:
        shown, entities = parse(text)  # type: ignore[operator]
    except InvalidInput:
        assume(False)
    mentions = [each for each in entities if each.type == "text_mention"]
    covers = [covered(shown, Entity(kind="", offset=each.offset, length=each.length)) for each in mentions]
    return not all(map(can_be_seen, covers))


html_link = st.builds(
    lambda url, quote, before, inside: f"<a {before}href={quote}{url}{quote}>{inside}</a>",
    urls,
    st.sampled_from("'\""),
    st.sampled_from(["", "x=y ", "href='https://e.org' "]),
    st.lists(
        st.sampled_from(
            ["\u200b", "<b>", "</b>", "&#8203;", "a", " ", "<i>\u2060</i>", "<a href='//e.org'>\u200b</a>"]
        ),
        max_size=3,
    ).map("".join),
)


@given(st.lists(html_link | hidden_parts, min_size=1, max_size=5).map("".join))
@example(f'<a href="{USER}">\u200b</a>x')
def test_row_17_no_hidden_mention_of_html_is_missed(text: str) -> None:
    assert hides_mention(text, HTML) or not judged(text, parse_html)


markdown_link = st.builds(
    lambda url, inside: f"[{inside}]({url})",
    urls.map(lambda url: url.replace("u", "\\u")) | urls,
    st.lists(
        st.sampled_from(["\u200b", "*\u200b*", "\\.", "a", " ", "||\u2060||", "`\u200b`", "[\u200b](https://e.org)"]),
        max_size=3,
    ).map("".join),
)


@given(st.lists(markdown_link | hidden_parts, min_size=1, max_size=5).map("".join))
@example(f"[\u200b]({USER})x")
def test_row_17_no_hidden_mention_of_markdown_v2_is_missed(text: str) -> None:
    assert hides_mention(text, MARKDOWN_V2) or not judged(text, parse_markdown_v2)
