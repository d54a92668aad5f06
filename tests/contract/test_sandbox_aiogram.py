"""The sandbox is a Bot API in the eyes of aiogram, whose models refuse answers of a wrong shape."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator

import aiogram.methods
import aiohttp
import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ChatType
from aiogram.exceptions import TelegramBadRequest, TelegramConflictError, TelegramForbiddenError, TelegramRetryAfter
from aiogram.types import (
    BufferedInputFile,
    ChatFullInfo,
    ChatPermissions,
    CopyTextButton,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Message,
    MessageEntity,
    ReactionTypeEmoji,
    ReplyParameters,
    Update,
)

from gateway.sandbox import Sandbox, running
from gateway.sandbox.methods import NAMES

TOKEN = "4711:contract"
PERSON, GROUP, SUPERGROUP, CHANNEL = 7, -5, -1001234567890, -1009876543210
PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 320, 200)


@pytest.fixture
def sandbox() -> Sandbox:
    sandbox = Sandbox(limits="none")
    sandbox.add_chat(PERSON, title="Ann")
    sandbox.add_chat(GROUP)
    sandbox.add_chat(SUPERGROUP, title="Ops", username="ops", topics=[4])
    sandbox.add_chat(CHANNEL, type="channel", title="News")
    return sandbox


@pytest.fixture
async def url(sandbox: Sandbox) -> AsyncIterator[str]:
    async with running(sandbox) as url:
        yield url


@pytest.fixture
async def bot(url: str) -> AsyncIterator[Bot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(url))
    async with Bot(TOKEN, session=session) as bot:
        yield bot


def test_every_method_is_one_aiogram_knows() -> None:
    classes = [getattr(aiogram.methods, name) for name in aiogram.methods.__all__]
    known = {one.__api_method__ for one in classes if isinstance(getattr(one, "__api_method__", None), str)}
    older_names = {"kickChatMember", "getChatMembersCount"}
    assert set(NAMES.values()) - older_names <= known


async def test_getting_started(bot: Bot) -> None:
    me = await bot.get_me()
    assert (me.id, me.is_bot) == (4711, True)
    assert await bot.delete_webhook(drop_pending_updates=True)
    assert (await bot.get_webhook_info()).url == ""
    assert await bot.get_updates(timeout=0) == []


async def test_a_message_with_everything(bot: Bot) -> None:
    first = await bot.send_message(SUPERGROUP, "first", message_thread_id=4)
    keyboard = InlineKeyboardMarkup(
        inline_keyboard=[
            [
                InlineKeyboardButton(text="Yes", callback_data="y"),
                InlineKeyboardButton(text="Web", url="https://a.com/"),
            ],
            [InlineKeyboardButton(text="Copy", copy_text=CopyTextButton(text="x"))],
        ]
    )
    message = await bot.send_message(
        SUPERGROUP,
        "😀 *bold* _it_ `code`\n>quote",
        parse_mode="MarkdownV2",
        reply_parameters=ReplyParameters(message_id=first.message_id, quote="first"),
        reply_markup=keyboard,
        message_thread_id=4,
    )
    assert message.text == "😀 bold it code\nquote"
    shown = [(entity.type, entity.extract_from(message.text)) for entity in message.entities or []]
    assert shown == [("bold", "bold"), ("italic", "it"), ("code", "code"), ("blockquote", "quote")]
    assert message.reply_to_message is not None
    assert message.reply_to_message.message_id == first.message_id
    assert message.reply_markup is not None
    assert message.reply_markup.model_dump() == keyboard.model_dump()
    assert (await bot.send_message(PERSON, "x", reply_markup=ForceReply())).reply_markup is None


@pytest.mark.parametrize(
    ("chat_id", "kind"),
    [
        (PERSON, ChatType.PRIVATE),
        (GROUP, ChatType.GROUP),
        (SUPERGROUP, ChatType.SUPERGROUP),
        (CHANNEL, ChatType.CHANNEL),
    ],
)
async def test_every_kind_of_chat(bot: Bot, chat_id: int, kind: ChatType) -> None:
    message = await bot.send_message(chat_id, "a")
    assert message.chat.type == kind
    assert (await bot.edit_message_text("b", chat_id=chat_id, message_id=message.message_id)).text == "b"  # type: ignore[union-attr]
    assert await bot.send_chat_action(chat_id, "typing")
    assert await bot.pin_chat_message(chat_id, message.message_id)
    info = await bot.get_chat(chat_id)
    assert isinstance(info, ChatFullInfo)
    assert info.pinned_message is not None
    assert await bot.get_chat_member(chat_id, bot.id)
    assert await bot.get_chat_member_count(chat_id) >= 1
    copy = await bot.copy_message(chat_id, chat_id, message.message_id)
    forwarded = await bot.forward_message(chat_id, chat_id, copy.message_id)
    assert forwarded.forward_origin is not None
    reaction = [ReactionTypeEmoji(emoji="🎉")]
    assert await bot.set_message_reaction(chat_id, message.message_id, reaction)
    assert await bot.delete_message(chat_id, message.message_id)


async def test_members_of_every_status(bot: Bot, sandbox: Sandbox) -> None:
    sandbox.inject({"chat_id": SUPERGROUP, "text": "hi", "from": {"id": 5, "first_name": "Bo"}})
    assert [member.status for member in await bot.get_chat_administrators(SUPERGROUP)] == ["administrator"]
    await bot.restrict_chat_member(SUPERGROUP, 5, ChatPermissions(can_send_messages=True))
    assert (await bot.get_chat_member(SUPERGROUP, 5)).status == "restricted"
    await bot.ban_chat_member(SUPERGROUP, 5)
    assert (await bot.get_chat_member(SUPERGROUP, 5)).status == "kicked"
    await bot.unban_chat_member(SUPERGROUP, 5)
    assert (await bot.get_chat_member(SUPERGROUP, 5)).status == "left"
    assert await bot.set_chat_permissions(GROUP, ChatPermissions(can_send_polls=True))


async def test_files(bot: Bot) -> None:
    document = await bot.send_document(PERSON, BufferedInputFile(b"hello", "a.txt"), caption="c")
    assert document.document is not None
    content = await bot.download(document.document)
    assert content is not None
    assert content.read() == b"hello"
    options = {
        "caption": "😀 bold",
        "caption_entities": [MessageEntity(type="bold", offset=3, length=4)],
        "reply_parameters": ReplyParameters(message_id=document.message_id),
    }
    answer = await bot.send_document(PERSON, BufferedInputFile(b"hello", "a.txt"), protect_content=True, **options)
    assert (answer.caption, answer.has_protected_content) == ("😀 bold", True)
    assert answer.caption_entities is not None
    assert [(each.type, each.offset, each.length) for each in answer.caption_entities] == [("bold", 3, 4)]
    assert answer.reply_to_message is not None
    assert answer.reply_to_message.document == document.document
    with pytest.raises(TelegramBadRequest, match="message to be replied not found"):
        await bot.send_document(PERSON, document.document.file_id, reply_parameters=ReplyParameters(message_id=999))
    with pytest.raises(TelegramBadRequest, match="message caption is too long"):
        await bot.send_document(PERSON, BufferedInputFile(b"hello", "a.txt"), caption="a" * 1025)
    with pytest.raises(TelegramBadRequest, match="there is no text in the message to edit"):
        await bot.edit_message_text("b", chat_id=PERSON, message_id=document.message_id)
    assert await bot.delete_messages(PERSON, [document.message_id, answer.message_id, 999])
    photo = await bot.send_photo(PERSON, BufferedInputFile(PNG, "a.png"))
    assert photo.photo is not None
    assert photo.photo[0].width == 320


async def test_every_update_and_every_message_fits_the_models(bot: Bot, sandbox: Sandbox, url: str) -> None:
    keyboard = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Yes", callback_data="y")]])
    sent = await bot.send_message(SUPERGROUP, "secret?", reply_markup=keyboard)
    other = await bot.send_message(GROUP, "elsewhere")
    parameters = ReplyParameters(chat_id=GROUP, message_id=other.message_id, quote="else")
    external = await bot.send_message(SUPERGROUP, "see there", reply_parameters=parameters)
    assert external.external_reply is not None
    sandbox.inject(
        {"chat_id": SUPERGROUP, "text": "hi #tag", "reply_to_message_id": sent.message_id, "message_thread_id": 4}
    )
    sandbox.inject({"chat_id": CHANNEL, "text": "post"})
    sandbox.inject({"chat_id": SUPERGROUP, "message_id": sent.message_id, "callback_data": "y"})
    updates = await bot.get_updates()
    assert [update.event_type for update in updates] == ["message", "channel_post", "callback_query"]
    assert await bot.answer_callback_query(updates[-1].callback_query.id)  # type: ignore[union-attr]
    async with aiohttp.ClientSession() as session:
        for chat_id in sandbox.chats:
            async with session.get(f"{url}/sandbox/messages", params={"chat_id": chat_id}) as response:
                for message in await response.json():
                    assert Message.model_validate(message).chat.id == chat_id
        async with session.post(f"{url}/bot{TOKEN}/getUpdates") as response:
            assert [Update.model_validate(update) for update in (await response.json())["result"]]


async def test_refusals_are_aiogram_s_own_errors(bot: Bot, sandbox: Sandbox) -> None:
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.send_message(99, "a")
    sandbox.add_fault(fault={"kind": "rate_limited", "retry_after": 12})
    with pytest.raises(TelegramRetryAfter) as limited:
        await bot.send_message(PERSON, "a")
    assert limited.value.retry_after == 12
    sandbox.add_fault(fault={"kind": "blocked"})
    with pytest.raises(TelegramForbiddenError):
        await bot.send_message(PERSON, "a")
    sandbox.add_fault(fault={"kind": "poll_conflict"})
    with pytest.raises(TelegramConflictError):
        await bot.get_updates()
