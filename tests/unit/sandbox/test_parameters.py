"""How a request's parameters are read: the real server's rules, which differ from everybody else's."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import quote

import pytest

from gateway.sandbox import Sandbox

from .conftest import GROUP, PERSON, TOKEN, Client

PATH = f"/bot{TOKEN}/sendMessage"
JSON = {"Content-Type": "application/json"}


def chats_written_to(sandbox: Sandbox) -> list[int]:
    return [chat_id for chat_id in sandbox.chats if sandbox.messages(chat_id)]


@pytest.mark.parametrize(
    "options",
    [
        {"params": {"chat_id": "7", "text": "hi"}},
        {"data": {"chat_id": "7", "text": "hi"}},
        {"json": {"chat_id": 7, "text": "hi"}},
        {"json": {"chat_id": "7", "text": "hi"}},
        {"params": {"chat_id": "7"}, "data": {"text": "hi"}},
        {"params": {"chat_id": "7"}, "json": {"text": "hi", "chat_id": GROUP}},
        {"data": b'{"chat_id":7,"chat_id":-5,"text":"hi"}', "headers": JSON},
        {"data": b'{"chat_id":7,"text":"hi","x":', "headers": JSON},
        {"data": b'  {"chat_id" : 7 , "text" : "h\\u0069" , } ', "headers": JSON},
        {"data": b'{"chat_id":18446744073709551623,"text":"hi"}', "headers": JSON},
        {"data": b'{"chat_id":"7junk","text":"hi"}', "headers": JSON},
        {"data": b'{"chat_id":7.9,"text":"hi"}', "headers": JSON},
    ],
)
async def test_a_message_reaches_ann_however_the_request_says_it(
    client: Client, sandbox: Sandbox, options: dict[str, Any]
) -> None:
    reply = await client.send(PATH, **options)
    assert reply.result["text"] == "hi"
    assert chats_written_to(sandbox) == [PERSON]


@pytest.mark.parametrize("verb", ["GET", "POST"])
async def test_get_and_post_are_the_same(client: Client, verb: str) -> None:
    assert (await client.send(f"{PATH}?chat_id=7&text=a%20b+c", verb)).result["text"] == "a b c"


@pytest.mark.parametrize(
    "path",
    [
        "/SENDMESSAGE",
        "/sendmessage",
        "/%73endMessage",
        "/test/sendMessage",
        "/?method=sendMessage",
        "/?method=SENDmessage",
    ],
)
async def test_a_method_has_many_names(client: Client, path: str) -> None:
    reply = await client.send(f"/bot{quote(TOKEN, safe='')}{path}", json={"chat_id": 7, "text": "hi"})
    assert reply.result["chat"]["id"] == PERSON


@pytest.mark.parametrize("chat_id", ["+7", " 7", "seven", "", "0"])
async def test_what_is_no_number_is_no_chat(client: Client, chat_id: str) -> None:
    reply = await client.call("sendMessage", chat_id=chat_id, text="hi")
    assert reply.description == ("Bad Request: chat not found" if chat_id else "Bad Request: chat_id is empty")


async def test_a_username_names_a_chat(client: Client) -> None:
    assert (await client.call("sendMessage", chat_id="@Ops_Room", text="hi")).result["chat"]["title"] == "Ops"
    assert (await client.call("sendMessage", chat_id="@nobody", text="hi")).status == 400


@pytest.mark.parametrize("flag", ["true", "True", " yes ", "1", True])
async def test_booleans_come_as_text(client: Client, flag: Any) -> None:
    reply = await client.call("sendMessage", chat_id=7, text="hi", protect_content=flag)
    assert reply.result["has_protected_content"] is True


@pytest.mark.parametrize("flag", ["false", "0", "on", "", False, 2])
async def test_anything_else_is_no(client: Client, flag: Any) -> None:
    assert (
        "has_protected_content"
        not in (await client.call("sendMessage", chat_id=7, text="hi", protect_content=flag)).result
    )


async def test_json_null_is_the_word_null(client: Client) -> None:
    assert (await client.call("sendMessage", chat_id=7, text=None)).result["text"] == "null"
    reply = await client.call("sendMessage", chat_id=7, text="hi", reply_markup=None)
    assert reply.description == "Bad Request: object expected as reply markup"


async def test_nested_json_may_be_an_object_or_its_text(client: Client) -> None:
    first = (await client.call("sendMessage", chat_id=7, text="one")).result["message_id"]
    as_object = await client.call("sendMessage", chat_id=7, text="a", reply_parameters={"message_id": first})
    as_text = await client.send(
        PATH, data={"chat_id": "7", "text": "a", "reply_parameters": f'{{"message_id":{first}}}'}
    )
    for reply in (as_object, as_text):
        assert reply.result["reply_to_message"]["message_id"] == first


async def test_the_first_of_two_equal_keys_counts_inside_objects_too(client: Client) -> None:
    body = b'{"chat_id":7,"text":"hi","link_preview_options":{"url":"a.com","url":"b.com"}}'
    assert (await client.send(PATH, data=body, headers=JSON)).result["link_preview_options"]["url"] == "a.com"


async def test_an_urlencoded_part_of_a_multipart_body_is_unfolded(client: Client, sandbox: Sandbox) -> None:
    body = (
        b'--B\r\nContent-Disposition: form-data; name="x"\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n'
        b'chat_id=7&text=h%69\r\n--B\r\nContent-Disposition: form-data; name="chat_id"\r\n\r\n-5\r\n--B--\r\n'
    )
    reply = await client.send(PATH, data=body, headers={"Content-Type": 'multipart/form-data; boundary="B"'})
    assert reply.result["text"] == "hi"
    assert chats_written_to(sandbox) == [PERSON]


@pytest.mark.parametrize(
    ("content_type", "body", "description"),
    [
        ("multipart/form-data", b"", "boundary not found"),
        ("multipart/form-data; boundary", b"x", "boundary value not found"),
        ("multipart/form-data; boundary=", b"x", "boundary too big or empty"),
        ("multipart/form-data; boundary=B", b"--B\r\n\r\nx\r\n--B--", "headers in multipart/form-data are empty"),
        ("multipart/form-data; boundary=B", b"--B\r\nno colon\r\n\r\nx\r\n--B--", "can't parse form data headers"),
        (
            "multipart/form-data; boundary=B",
            b"--B\r\nContent-Disposition: attachment\r\n\r\nx\r\n--B--",
            "expected form-data content disposition",
        ),
        (
            "multipart/form-data; boundary=B",
            b"--B\r\nContent-Type: a/b\r\n\r\nx\r\n--B--",
            "field name in multipart/form-data not found",
        ),
    ],
)
async def test_a_broken_multipart_body_is_named(
    client: Client, content_type: str, body: bytes, description: str
) -> None:
    reply = await client.send(PATH, data=body or b" ", headers={"Content-Type": content_type})
    assert (reply.status, reply.description) == (400, f"Bad Request: {description}")


async def test_too_many_parameters_are_413(client: Client) -> None:
    for headers in (JSON, {"Content-Type": "application/x-www-form-urlencoded"}):
        reply = await client.send(PATH, data=io.BytesIO(b"a" * ((1 << 20) + 1)), headers=headers)
        assert (reply.status, reply.body["error_code"]) == (413, 413)
        assert reply.description.startswith("Request Entity Too Large")


async def test_a_body_of_another_type_says_nothing(client: Client) -> None:
    reply = await client.send(PATH, data=b"chat_id=7&text=hi", headers={"Content-Type": "text/plain"})
    assert reply.description == "Bad Request: message text is empty"
