"""`clients/scenarios.yaml`, played by the program of one language. The file is JSON, which is YAML too."""

from __future__ import annotations

import asyncio
import json
import os
import re
from typing import Any

from gateway.config import PREFIX
from gateway.model import Permission
from tests.clients.languages import CLIENTS, Language
from tests.support.gateway import Gateway
from tests.support.ports import free_port

CHATS = {"own": -1001, "foreign": -1002}
PATIENCE = 60
"""Seconds after which a program is taken for one that never ends; each gives up after 30 itself."""

PROXIES = ("grpc_proxy", "https_proxy", "http_proxy", "HTTPS_PROXY", "HTTP_PROXY", "all_proxy")
"""Where one or the other implementation of gRPC looks for a proxy."""

Answer = dict[str, str]


def scenarios() -> list[dict[str, Any]]:
    """Read what every client must pass."""
    read: list[dict[str, Any]] = json.loads((CLIENTS / "scenarios.yaml").read_text())
    return read


async def complaint(language: Language, scenario: dict[str, Any], gateway: Gateway) -> str:
    """Play a scenario, and return what came instead of what it says; nothing if that came."""
    before = len(gateway.telegram.messages(CHATS["own"]))
    token = {"unknown": "not.a.token", "none": None}.get(
        scenario.get("token", ""), gateway.token(CHATS["own"], f"svc:{language.name}")
    )
    proxy = f"http://127.0.0.1:{free_port()}" if "proxy" in scenario else ""
    answers = [await send(language, gateway.address, token, proxy, **one) for one in scenario["sends"]]
    ids = {answer.pop("id") for answer in answers if "id" in answer}
    shown = [message["text"] for message in gateway.telegram.messages(CHATS["own"])[before:]]
    if answers != scenario["answers"]:
        return f"answered {answers}"
    if scenario.get("one_id") and len(ids) != 1:
        return f"made {len(ids)} messages"
    if shown != scenario["shown"] or gateway.telegram.messages(CHATS["foreign"]):
        return f"the chat shows {shown}"
    return ""


async def deafness(language: Language, gateway: Gateway) -> str:
    """Write in both chats, and return what the program told that receives, unless that is what it should."""
    for chat in ("foreign", "own"):
        gateway.telegram.inject({"chat_id": CHATS[chat], "text": f"It is {chat}"})
    token = gateway.token(CHATS["own"], f"svc:{language.name}", Permission.READ)
    process = await asyncio.create_subprocess_exec(
        *language.receiver,
        cwd=language.folder,
        env=surroundings(gateway.address, token),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            line = (await process.stdout.readline()).decode()
    except TimeoutError:
        line = f"nothing within {PATIENCE} seconds"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    return "" if line == f"{CHATS['own']} It is own\n" else f"told {line!r}"


def surroundings(address: str, token: str | None, proxy: str = "") -> dict[str, str]:
    """Return the environment of a program."""
    # Whether a proxy is used, and for what, is for a scenario to say and not for the machine.
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(PREFIX) and not name.lower().endswith("_proxy")
    }
    environment |= dict.fromkeys(PROXIES, proxy) if proxy else {}
    return environment | {"CHATKEY_ADDRESS": address} | ({"CHATKEY_TOKEN": token} if token else {})


async def send(
    language: Language, address: str, token: str | None, proxy: str, *, chat: str, text: str, request_id: str
) -> Answer:
    """Run the program once, and return what it printed: id and state, or code and reason."""
    process = await asyncio.create_subprocess_exec(
        *language.program, str(CHATS[chat]), text, request_id,
        cwd=language.folder, env=surroundings(address, token, proxy), stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(PATIENCE):
            out, err = (said.decode() for said in await process.communicate())
    except TimeoutError:
        process.kill()
        await process.wait()
        return {"printed": f"nothing within {PATIENCE} seconds"}
    if process.returncode == 0 and (sent := re.fullmatch(r"(\S+) ([A-Z_]+)\n", out)):
        return {"id": sent[1], "state": sent[2]}
    # A refusal without an error id is not one that a client can show to an operator.
    if process.returncode == 1 and (refused := re.fullmatch(r"([A-Z_]+) ([A-Z_]+) \w{4,}\n", err)):
        return {"code": refused[1], "reason": refused[2]}
    return {"printed": out + err}
