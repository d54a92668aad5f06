"""What each RPC asks of its caller. An RPC that is not in this table does not exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

from gateway.model import Permission


class Access(Enum):
    """What an RPC may ask for instead of a permission."""

    PUBLIC = "public"
    CREDENTIAL = "credential"


POLICY: Mapping[str, Permission | Access] = {
    "/chatkey.v1.MessagingGateway/SendMessage": Permission.WRITE,
    "/chatkey.v1.MessagingGateway/SendMessages": Permission.WRITE,
    "/chatkey.v1.MessagingGateway/GetMessage": Permission.WRITE,
    "/chatkey.v1.MessagingGateway/ListMessages": Permission.WRITE,
    "/chatkey.v1.MessagingGateway/WatchMessages": Permission.WRITE,
    "/chatkey.v1.MessagingGateway/CancelMessage": Permission.WRITE,
    "/chatkey.v1.MessagingGateway/RetryMessage": Permission.WRITE,
    "/chatkey.v1.MessagingGateway/ResolveMessage": Permission.WRITE,
    "/chatkey.v1.MessagingGateway/EditMessage": Permission.WRITE,
    "/chatkey.v1.MessagingGateway/DeleteMessage": Permission.WRITE,
    "/chatkey.v1.MessagingGateway/Explain": Access.CREDENTIAL,
    "/chatkey.v1.UpdateService/StreamUpdates": Permission.READ,
    "/chatkey.v1.UpdateService/AnswerCallback": Permission.WRITE,
    "/chatkey.v1.MessagingGateway/SendChatAction": Permission.WRITE,
    "/chatkey.v1.MessagingGateway/SetReaction": Permission.WRITE,
    "/chatkey.v1.ChatService/GetChat": Permission.READ,
    "/chatkey.v1.ChatService/GetChatMember": Permission.READ,
    "/chatkey.v1.ChatService/ListChatAdministrators": Permission.READ,
    "/chatkey.v1.ChatService/SetChatPermissions": Permission.MODERATE,
    "/chatkey.v1.ChatService/RestrictChatMember": Permission.MODERATE,
    "/chatkey.v1.ChatService/BanChatMember": Permission.MODERATE,
    "/chatkey.v1.ChatService/UnbanChatMember": Permission.MODERATE,
    "/chatkey.v1.ChatService/PinMessage": Permission.MODERATE,
    "/chatkey.v1.ChatService/UnpinMessage": Permission.MODERATE,
    "/chatkey.v1.CredentialSelf/DescribeCredential": Access.CREDENTIAL,
    "/chatkey.v1.CredentialSelf/NarrowCredential": Access.CREDENTIAL,
    "/grpc.health.v1.Health/Check": Access.PUBLIC,
    "/grpc.health.v1.Health/List": Access.PUBLIC,
    "/grpc.health.v1.Health/Watch": Access.PUBLIC,
}


def require_complete(methods: Iterable[str], policy: Mapping[str, object] = POLICY) -> None:
    """Return if the table names exactly these RPCs.

    Raises:
        LookupError: one is missing on either side: a gateway that would guess what it may do must not start.
    """
    difference = policy.keys() ^ set(methods)
    if difference:
        raise LookupError(f"the policy and the registered RPCs differ: {', '.join(sorted(difference))}")
