"""Photos and documents: sent, sent again, and fetched back by the bot that owns them."""

from __future__ import annotations

import io
import struct
from typing import Any

import aiohttp
import pytest

from gateway.sandbox import Sandbox
from gateway.sandbox.files import Files
from gateway.sandbox.pictures import picture_size

from .conftest import PERSON, TOKEN, Client, Reply

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 320, 200) + b"rest"
JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08" + struct.pack(">HH", 200, 320) + b"rest"
GIF = b"GIF89a" + struct.pack("<HH", 320, 200)
WEBP = b"RIFF....WEBPVP8X" + b"\x00" * 8 + (319).to_bytes(3, "little") + (199).to_bytes(3, "little")


async def upload(client: Client, method: str, field: str, content: bytes, name: str = "a.bin", **more: str) -> Reply:
    form = aiohttp.FormData({"chat_id": str(PERSON), **more})
    form.add_field(field, io.BytesIO(content), filename=name, content_type="text/plain")
    return await client.send(f"/bot{TOKEN}/{method}", data=form)


@pytest.mark.parametrize("picture", [PNG, JPEG, GIF, WEBP])
def test_the_size_of_a_picture(picture: bytes) -> None:
    assert picture_size(picture) == (320, 200)


@pytest.mark.parametrize("content", [b"", b"no picture", PNG[:18], b"\xff\xd8\xff", b"RIFF....WEBPVP8?"])
def test_what_is_no_picture_has_no_size(content: bytes) -> None:
    assert picture_size(content) is None


async def test_a_document_comes_back_as_it_went(client: Client) -> None:
    sent = (
        await upload(client, "sendDocument", "document", b"hello", "report.txt", caption="<b>c</b>", parse_mode="HTML")
    ).result
    document = sent["document"]
    assert (document["file_name"], document["mime_type"], document["file_size"]) == ("report.txt", "text/plain", 5)
    assert (sent["caption"], sent["caption_entities"][0]["type"]) == ("c", "bold")
    path = (await client.call("getFile", file_id=document["file_id"])).result["file_path"]
    async with client.session.get(f"{client.url}/file/bot{TOKEN}/{path}") as response:
        assert await response.read() == b"hello"


async def test_a_file_can_be_attached_by_name_and_sent_again_by_id(client: Client) -> None:
    sent = (await upload(client, "sendPhoto", "mine", PNG, photo="attach://mine")).result
    photo = sent["photo"][0]
    assert (photo["width"], photo["height"]) == (320, 200)
    again = (await client.call("sendPhoto", chat_id=PERSON, photo=photo["file_id"])).result
    assert again["photo"][0]["file_id"] == photo["file_id"]
    wrong = await client.call("sendDocument", chat_id=PERSON, document=photo["file_id"])
    assert wrong.description == "Bad Request: can't use file of type Photo as Document"


async def test_files_belong_to_one_bot(client: Client) -> None:
    sent = (await upload(client, "sendDocument", "document", b"secret")).result
    file_id = sent["document"]["file_id"]
    path = (await client.call("getFile", file_id=file_id)).result["file_path"]
    assert (await client.call("getFile", token="2:other", file_id=file_id)).status == 400
    assert (await client.send(f"/file/bot2:other/{path}", "GET")).status == 404
    await client.control("POST", "tokens", {"revoke": TOKEN})
    assert (await client.send(f"/file/bot{TOKEN}/{path}", "GET")).status == 401


@pytest.mark.parametrize(
    ("method", "field", "content", "more", "description"),
    [
        ("sendPhoto", "photo", b"no picture", {}, "IMAGE_PROCESS_FAILED"),
        ("sendPhoto", "photo", PNG + b"x" * (10 << 20), {}, "photo is too big"),
        ("sendPhoto", "photo", PNG[:16] + struct.pack(">II", 9000, 9000), {}, "PHOTO_INVALID_DIMENSIONS"),
        ("sendDocument", "document", b"", {}, "file must be non-empty"),
        ("sendDocument", "document", b"x", {"caption": "a" * 1025}, "message caption is too long"),
        ("sendDocument", "other", b"x", {"document": "attach://missing"}, "there is no document in the request"),
    ],
)
async def test_a_bad_upload_is_refused(
    client: Client, sandbox: Sandbox, method: str, field: str, content: bytes, more: dict[str, Any], description: str
) -> None:
    reply = await upload(client, method, field, content, **more)
    assert reply.description == f"Bad Request: {description}"
    assert sandbox.messages(PERSON) == []


async def test_files_over_20_mb_cannot_be_fetched(client: Client) -> None:
    sent = (await upload(client, "sendDocument", "document", b"x" * ((20 << 20) + 1))).result
    reply = await client.call("getFile", file_id=sent["document"]["file_id"])
    assert reply.description == "Bad Request: file is too big"


async def test_the_log_names_files_and_does_not_hold_them(client: Client, sandbox: Sandbox) -> None:
    await upload(client, "sendDocument", "document", b"hello", "report.txt")
    assert sandbox.log()[-1]["parameters"]["document"] == {"file_name": "report.txt", "size": 5}


def test_the_oldest_files_are_forgotten_first() -> None:
    files = Files(10)
    first, second = (files.add(1, "documents", "a", "text/plain", b"12345678") for _ in range(2))
    assert files.find(1, first.file_id) is None
    assert files.find(1, second.file_id) is second
