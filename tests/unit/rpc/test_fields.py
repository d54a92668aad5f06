"""What a request can say at all, read off the contract: an attack whose field does not exist needs no check."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from chatkey.v1 import chat_service_pb2, credential_self_pb2, messaging_gateway_pb2, update_service_pb2

SERVICES = [
    service
    for file in (messaging_gateway_pb2, chat_service_pb2, update_service_pb2, credential_self_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
]
REQUESTS = {method.input_type.full_name: method.input_type for service in SERVICES for method in service.methods}

BY_ROW = {
    # Another chat beside the pinned one: of a reply or a quotation, of a copy.
    5: {"reply_parameters", "quote", "reply_to_chat_id", "external_reply", "raw", "json", "parameters", "api_kwargs"},
    6: {"from_chat_id", "sender_chat_id", "actor_chat_id", "forward", "copy", "story_id", "invite_link"},
    # What Telegram keeps for the bot as a whole, whichever chat it came from.
    7: {"file_id", "thumbnail_file_id", "custom_emoji_id", "sticker_set_name", "file_path", "attach"},
    8: {"inline_message_id"},
    9: {
        "login_url",
        "web_app",
        "switch_inline_query",
        "switch_inline_query_current_chat",
        "switch_inline_query_chosen_chat",
        "pay",
        "callback_game",
        "request_chat",
        "request_users",
        "request_user",
        "request_contact",
        "request_location",
        "request_poll",
        "request_managed_bot",
        "keyboard",
    },
    11: {
        "allow_paid_broadcast",
        "star_count",
        "gift_id",
        "paid_media",
        "invoice",
        "prices",
        "currency",
        "provider_token",
        "message_effect_id",
        "suggested_post_parameters",
        "direct_messages_topic_id",
    },
    12: {"business_connection_id", "receiver_user_id", "guest_query_id"},
    13: {"webhook_url", "drop_pending_updates", "allowed_updates", "method", "bot_token", "scope"},
}
UNTYPED = {"google.protobuf.Any", "google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue"}
WITHOUT_A_PLACE_INSIDE = {"google.protobuf.Timestamp", "google.protobuf.Duration"}


def fields(message: Descriptor, path: str = "") -> Iterator[tuple[str, FieldDescriptor]]:
    """Yield every field of a message and of those in it; none of ours contains itself."""
    for field in message.fields:
        yield f"{path}{field.name}", field
        if field.message_type is not None and field.message_type.full_name not in WITHOUT_A_PLACE_INSIDE:
            yield from fields(field.message_type, f"{path}{field.name}.")


@pytest.mark.parametrize("row", BY_ROW)
def test_row_5_row_6_row_7_row_8_row_9_row_11_row_12_row_13_there_is_no_such_field(row: int) -> None:
    assert {field.name for request in REQUESTS.values() for _, field in fields(request)}.isdisjoint(BY_ROW[row])


@pytest.mark.parametrize("request_type", REQUESTS)
def test_row_5_a_request_has_one_place_for_a_chat(request_type: str) -> None:
    places = [(path, field) for path, field in fields(REQUESTS[request_type]) if "chat" in field.name]
    if request_type == "chatkey.v1.StreamUpdatesRequest":
        # Nothing is sent to any of these: they narrow what is told.
        assert [path for path, _ in places] == ["chat_ids"]
        return
    assert [field.name for _, field in places] in ([], ["chat_id"])
    for path, field in places:
        assert field.type == FieldDescriptor.TYPE_INT64, path
        assert not field.is_repeated, path
        assert path.split(".")[:-1] in ([], ["message"], ["grants"]), "inside of what is to be sent"


@pytest.mark.parametrize("request_type", REQUESTS)
def test_row_5_row_7_nothing_goes_through_that_is_not_spelled_out(request_type: str) -> None:
    for path, field in fields(REQUESTS[request_type]):
        assert field.type != FieldDescriptor.TYPE_BYTES, path
        if field.message_type is not None:
            assert field.message_type.full_name not in UNTYPED, path
            assert not field.message_type.GetOptions().map_entry, path


def test_row_9_row_10_a_button_opens_an_address_or_copies_a_text_and_says_nothing_to_the_bot() -> None:
    button = messaging_gateway_pb2.DESCRIPTOR.message_types_by_name["Button"]
    assert {field.name for field in button.fields} == {"text", "url", "copy_text"}
    assert [field.name for field in button.oneofs_by_name["action"].fields] == ["url", "copy_text"]


def test_row_17_what_formatting_there_is() -> None:
    kinds = messaging_gateway_pb2.DESCRIPTOR.enum_types_by_name["EntityType"].values_by_name
    assert {name.removeprefix("ENTITY_TYPE_") for name in kinds} == {
        *("UNSPECIFIED", "BOLD", "ITALIC", "UNDERLINE", "STRIKETHROUGH", "SPOILER"),
        *("BLOCKQUOTE", "EXPANDABLE_BLOCKQUOTE", "CODE", "PRE", "TEXT_LINK"),
    }
