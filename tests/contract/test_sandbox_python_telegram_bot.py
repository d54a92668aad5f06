"""The sandbox is a Bot API in the eyes of python-telegram-bot, over real HTTP and with its own parsing."""

from __future__ import annotations

import asyncio
import io
import struct
from collections.abc import AsyncIterator

import pytest
import telegram
from telegram import error
from telegram.constants import ChatAction, ParseMode, ReactionEmoji
from telegram.ext import Application, ApplicationBuilder, ContextTypes, MessageHandler, filters
from telegram.request import HTTPXRequest

from gateway.sandbox import Sandbox, running
from gateway.sandbox.actions import CHAT_ACTIONS, REACTIONS

TOKEN = "4711:contract"
PLAIN = {"verify": False}  # loading certificates nobody needs here takes longer than most tests
PERSON, SUPERGROUP = 7, -1001234567890
PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 320, 200)


@pytest.fixture
def sandbox() -> Sandbox:
    chats = [{"id": PERSON, "title": "Ann"}, {"id": SUPERGROUP, "type": "supergroup", "title": "Ops", "topics": [4]}]
    return Sandbox(limits="none", chats=chats)


@pytest.fixture
async def url(sandbox: Sandbox) -> AsyncIterator[str]:
    async with running(sandbox) as url:
        yield url


@pytest.fixture
async def bot(url: str) -> AsyncIterator[telegram.Bot]:
    requests = {name: HTTPXRequest(httpx_kwargs=PLAIN) for name in ("request", "get_updates_request")}
    async with telegram.Bot(TOKEN, base_url=f"{url}/bot", base_file_url=f"{url}/file/bot", **requests) as bot:
        yield bot


async def test_it_knows_itself(bot: telegram.Bot) -> None:
    assert (bot.id, bot.bot.is_bot, bot.username) == (4711, True, "sandbox_4711_bot")


async def test_a_message_with_everything(bot: telegram.Bot) -> None:
    first = await bot.send_message(SUPERGROUP, "first", message_thread_id=4)
    keyboard = telegram.InlineKeyboardMarkup(
        [
            [
                telegram.InlineKeyboardButton("Yes", callback_data="y"),
                telegram.InlineKeyboardButton("Web", url="https://a.com/"),
            ]
        ]
    )
    message = await bot.send_message(
        SUPERGROUP,
        "<b>😀 bold</b> <a href='https://example.com'>link</a> @someone",
        parse_mode=ParseMode.HTML,
        reply_parameters=telegram.ReplyParameters(first.message_id, quote="first"),
        reply_markup=keyboard,
        link_preview_options=telegram.LinkPreviewOptions(is_disabled=True),
        disable_notification=True,
        protect_content=True,
        message_thread_id=4,
    )
    assert message.text_html == '<b>😀 bold</b> <a href="https://example.com/">link</a> @someone'
    assert [entity.type for entity in message.entities] == ["bold", "text_link", "mention"]
    assert message.reply_to_message == first
    assert message.quote is not None
    assert message.quote.text == "first"
    assert message.reply_markup == keyboard
    assert message.has_protected_content
    assert message.is_topic_message
    assert message.link_preview_options == telegram.LinkPreviewOptions(is_disabled=True)


async def test_markdown_v2_as_the_library_escapes_it(bot: telegram.Bot) -> None:
    text = "a.b-c! (d) [e] {f} > # + = | ~ ` _ * \\"
    escaped = telegram.helpers.escape_markdown(text, version=2)
    assert (await bot.send_message(PERSON, escaped, parse_mode=ParseMode.MARKDOWN_V2)).text == text


async def test_entities_the_library_computes_come_back(bot: telegram.Bot) -> None:
    text = "я 😀 bold"
    given = [telegram.MessageEntity(telegram.MessageEntity.BOLD, 2, 4)]
    entities = telegram.MessageEntity.adjust_message_entities_to_utf_16(text, given)
    message = await bot.send_message(PERSON, text, entities=entities)
    assert message.parse_entities() == {message.entities[0]: "😀 bo"}


async def test_editing_and_deleting(bot: telegram.Bot, sandbox: Sandbox) -> None:
    message = await bot.send_message(PERSON, "a")
    edited = await bot.edit_message_text("b", PERSON, message.message_id)
    assert isinstance(edited, telegram.Message)
    assert (edited.text, edited.edit_date is not None) == ("b", True)
    assert await bot.delete_message(PERSON, message.message_id)
    assert sandbox.messages(PERSON) == []


async def test_files_go_and_come_back(bot: telegram.Bot) -> None:
    document = await bot.send_document(PERSON, b"hello", filename="report.txt", caption="*c*", parse_mode="MarkdownV2")
    assert document.document is not None
    assert document.document.file_name == "report.txt"
    assert document.caption == "c"
    with pytest.raises(error.BadRequest, match="no text in the message to edit"):
        await bot.edit_message_text("b", PERSON, document.message_id)
    file = await bot.get_file(document.document)
    assert bytes(await file.download_as_bytearray()) == b"hello"
    photo = await bot.send_photo(PERSON, io.BytesIO(PNG))
    assert (photo.photo[-1].width, photo.photo[-1].height) == (320, 200)
    assert (await bot.send_photo(PERSON, photo.photo[-1].file_id)).photo == photo.photo


async def test_chats_members_and_moderation(bot: telegram.Bot, sandbox: Sandbox) -> None:
    sandbox.inject({"chat_id": SUPERGROUP, "text": "hi", "from": {"id": 5, "first_name": "Bo"}})
    assert (await bot.get_chat(SUPERGROUP)).title == "Ops"
    assert (await bot.get_chat(PERSON)).first_name == "Ann"
    assert [member.user.id for member in await bot.get_chat_administrators(SUPERGROUP)] == [bot.id]
    assert await bot.get_chat_member_count(SUPERGROUP) == 2
    assert (await bot.get_chat_member(SUPERGROUP, 5)).status == "member"
    assert await bot.restrict_chat_member(SUPERGROUP, 5, telegram.ChatPermissions.no_permissions())
    assert (await bot.get_chat_member(SUPERGROUP, 5)).status == "restricted"
    assert await bot.ban_chat_member(SUPERGROUP, 5)
    assert (await bot.get_chat_member(SUPERGROUP, 5)).status == "kicked"
    assert await bot.unban_chat_member(SUPERGROUP, 5)
    assert await bot.set_chat_permissions(SUPERGROUP, telegram.ChatPermissions.no_permissions())
    assert (await bot.get_chat(SUPERGROUP)).permissions == telegram.ChatPermissions.no_permissions()


async def test_small_signs(bot: telegram.Bot) -> None:
    message = await bot.send_message(SUPERGROUP, "a")
    assert await bot.send_chat_action(SUPERGROUP, ChatAction.TYPING)
    assert await bot.set_message_reaction(SUPERGROUP, message.message_id, ReactionEmoji.THUMBS_UP)
    assert await bot.pin_chat_message(SUPERGROUP, message.message_id)
    assert (await bot.get_chat(SUPERGROUP)).pinned_message == message
    assert await bot.unpin_chat_message(SUPERGROUP, message_id=message.message_id)
    forwarded = await bot.forward_message(PERSON, SUPERGROUP, message.message_id)
    assert isinstance(forwarded.forward_origin, telegram.MessageOriginUser)
    assert (await bot.copy_message(PERSON, SUPERGROUP, message.message_id)).message_id == 2


def test_every_reaction_the_library_knows() -> None:
    assert {emoji.value.replace("\ufe0f", "") for emoji in ReactionEmoji} == REACTIONS
    assert set(ChatAction) <= CHAT_ACTIONS


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        ({"kind": "rate_limited", "retry_after": 3}, error.RetryAfter),
        ({"kind": "rate_limited_bare"}, error.NetworkError),
        ({"kind": "migrated", "migrate_to_chat_id": SUPERGROUP}, error.ChatMigrated),
        ({"kind": "blocked"}, error.Forbidden),
        ({"kind": "chat_not_found"}, error.BadRequest),
        ({"kind": "unauthorized"}, error.InvalidToken),
        ({"kind": "method_not_found"}, error.InvalidToken),
        ({"kind": "poll_conflict"}, error.Conflict),
        ({"kind": "too_large"}, error.NetworkError),
        ({"kind": "internal_error"}, error.NetworkError),
        ({"kind": "bad_gateway"}, error.NetworkError),
        ({"kind": "bad_gateway_html"}, error.NetworkError),
        ({"kind": "lost_reply"}, error.NetworkError),
        ({"kind": "reset_before_body"}, error.NetworkError),
        ({"kind": "reset_after_body"}, error.NetworkError),
        ({"kind": "truncated_json"}, error.TelegramError),
        ({"kind": "ok_false_200"}, KeyError),
    ],
)
async def test_a_fault_is_the_library_s_own_error(
    bot: telegram.Bot,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    fault: dict[str, object],
    raised: type[Exception],
) -> None:
    sandbox.add_fault("sendMessage", PERSON if fault["kind"] != "reset_before_body" else None, fault=fault)
    monkeypatch.setenv("PTB_TIMEDELTA", "1")  # the library warns about the old type of `retry_after`
    with pytest.raises(raised):
        await bot.send_message(PERSON, "a")


async def echo(update: telegram.Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.effective_message is not None
    await update.effective_message.reply_text(f"you said: {update.effective_message.text}", do_quote=True)


@pytest.fixture
async def application(url: str) -> AsyncIterator[Application]:  # type: ignore[type-arg]
    application = ApplicationBuilder().token(TOKEN).base_url(f"{url}/bot").build()
    application.add_handler(MessageHandler(filters.TEXT, echo))
    async with application:
        assert application.updater is not None
        await application.updater.start_polling(timeout=1)
        await application.start()
        yield application
        await application.updater.stop()
        await application.stop()


async def test_an_application_polls_a_message_and_answers_it(application: object, sandbox: Sandbox) -> None:
    sandbox.inject({"chat_id": PERSON, "text": "hello"})
    async with asyncio.timeout(20):
        while len(sandbox.messages(PERSON)) < 2:
            await asyncio.to_thread(lambda: None)
    answer = sandbox.messages(PERSON)[1]
    assert answer["text"] == "you said: hello"
    assert answer["reply_to_message"]["text"] == "hello"
    assert [e["method"] for e in sandbox.log()][:3] == ["getMe", "deleteWebhook", "getUpdates"]
