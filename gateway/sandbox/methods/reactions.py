"""Reactions to messages."""

from __future__ import annotations

from typing import Any

from gateway.sandbox.actions import REACTIONS
from gateway.sandbox.errors import InvalidInput, bad_request
from gateway.sandbox.jsonvalues import Fields

from .call import Call

_VARIATION_SELECTOR = "\N{VARIATION SELECTOR-16}"


def set_message_reaction(call: Call) -> bool:
    """https://core.telegram.org/bots/api#setmessagereaction"""
    reactions = _read_reactions(call)
    chat = call.writable_chat()
    message = call.message(chat, "message to react")
    if len(reactions) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    for reaction in reactions:
        if reaction["type"] == "emoji" and reaction["emoji"] not in REACTIONS:
            raise bad_request("REACTION_INVALID")
    chat.reactions[message["message_id"]] = reactions
    chat.version += 1
    return True


def _read_reactions(call: Call) -> list[dict[str, Any]]:
    value = call.parameters.json("reaction", "Can't parse reaction types JSON object")
    if value is None:
        return []
    if not isinstance(value, list):
        raise bad_request("Expected an Array of ReactionType")
    try:
        return [_read_reaction(Fields(one, "expected an Object")) for one in value]
    except InvalidInput as problem:
        raise bad_request(f"Can't parse ReactionType: {problem}") from None


def _read_reaction(fields: Fields) -> dict[str, Any]:
    match kind := fields.required_string("type"):
        case "emoji":
            return {"type": kind, "emoji": fields.required_string("emoji").replace(_VARIATION_SELECTOR, "")}
        case "custom_emoji":
            return {"type": kind, "custom_emoji_id": str(fields.required_integer("custom_emoji_id", bits=64))}
    raise InvalidInput("invalid reaction type specified")


METHODS = {"setMessageReaction": set_message_reaction}
