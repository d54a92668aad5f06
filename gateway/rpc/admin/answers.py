"""What operators are answered: the words of the house as the contract's messages."""

from __future__ import annotations

from chatkey.admin.v1 import approval_service_pb2 as approval_pb
from chatkey.admin.v1 import audit_service_pb2 as audit_pb
from chatkey.admin.v1 import chat_registry_service_pb2 as chat_pb
from chatkey.admin.v1 import client_service_pb2 as client_pb
from chatkey.admin.v1 import credential_service_pb2 as credential_pb
from chatkey.admin.v1 import key_service_pb2 as key_pb
from gateway.access.approvals import ends_at
from gateway.access.key_ring import KeyState, RingKey
from gateway.audit.proof import Verdict
from gateway.desk.admin import chats, clients
from gateway.desk.admin.rooms import SeenChat
from gateway.model import Permission, Record
from gateway.rpc.admin.times import timestamp_to
from gateway.rpc.answers import PERMISSIONS
from gateway.store.chats import Closure, Move
from gateway.store.registry import IssuedToken, StoredChat, StoredClient
from gateway.store.second_factors import Approval


def credential_to(token: IssuedToken, state: str) -> credential_pb.Credential:
    """Return what is kept of a token."""
    return credential_pb.Credential(
        token_id=token.token_id,
        client=token.client,
        key_id=token.key_id,
        chat_ids=token.chat_ids,
        issue_time=timestamp_to(token.issued_at),
        expire_time=timestamp_to(token.expires_at),
        issued_by=token.issued_by,
        state=f"CREDENTIAL_STATE_{state.upper()}",
    )


def key_to(key: RingKey, advice: str) -> key_pb.Key:
    """Return a key and what is to be done about it."""
    return key_pb.Key(
        key_id=key.kid,
        state=f"KEY_STATE_{key.state.name}",
        prepare_time=timestamp_to(key.since.get(KeyState.PREPARED)),
        activate_time=timestamp_to(key.since.get(KeyState.ACTIVE)),
        taint_time=timestamp_to(key.since.get(KeyState.TAINTED)),
        revoke_time=timestamp_to(key.since.get(KeyState.REVOKED)),
        advice=advice,
    )


def client_to(client: StoredClient) -> client_pb.Client:
    """Return what is kept of a client."""
    terms = client_pb.ClientTerms(
        per_minute=client.quota.per_minute,
        per_day=client.quota.per_day,
        queue_depth=client.quota.queue_depth,
        min_generation=client.min_generation,
        second_factor=client.second_factor,
        label=client.label,
    )
    if client.chat_ids is not None:
        terms.chat_ids.CopyFrom(client_pb.ChatIds(chat_ids=sorted(client.chat_ids)))
    if client.address_ranges is not None:
        terms.address_ranges.CopyFrom(client_pb.AddressRanges(ranges=client.address_ranges.texts))
    return client_pb.Client(
        name=client.name,
        state=f"CLIENT_STATE_{clients.state_of(client).upper()}",
        terms=terms,
        revoke_time=timestamp_to(client.not_before),
        created_by=client.created_by,
        create_time=timestamp_to(client.created_at),
        last_seen_time=timestamp_to(client.last_seen_at),
        last_seen_address=client.last_seen_from,
        last_denied_time=timestamp_to(client.last_denied_at),
        last_denied_address=client.last_denied_from,
    )


def chat_to(chat: StoredChat) -> chat_pb.Chat:
    """Return what is kept of a chat."""
    return chat_pb.Chat(
        chat_id=chat.chat_id,
        state=f"CHAT_STATE_{chats.state_of(chat).upper()}",
        permissions=[PERMISSIONS[permission] for permission in Permission if permission in chat.permissions],
        title=chat.title,
        created_by=chat.created_by,
        create_time=timestamp_to(chat.created_at),
        last_access_time=timestamp_to(chat.last_access_at),
    )


def discovered_to(chat: SeenChat) -> chat_pb.DiscoveredChat:
    """Return a chat in which the bot saw something."""
    return chat_pb.DiscoveredChat(chat_id=chat.chat_id, type=chat.type, title=chat.title)


def closed_to(closure: Closure) -> chat_pb.ClosedChat:
    """Return a chat that refused the bot."""
    return chat_pb.ClosedChat(
        chat_id=closure.chat_id,
        close_time=timestamp_to(closure.closed_at),
        retry_time=timestamp_to(closure.until),
        description=closure.description,
        telegram_error_code=closure.code,
    )


def migration_to(move: Move) -> chat_pb.Migration:
    """Return a group that became a supergroup."""
    return chat_pb.Migration(
        chat_id=move.chat_id,
        new_chat_id=move.new_chat_id,
        approved=move.approved,
        notice_time=timestamp_to(move.noticed_at),
    )


def approval_to(approval: Approval) -> approval_pb.Approval:
    """Return a request that needs a second person."""
    return approval_pb.Approval(
        approval_id=approval.approval_id,
        operator=approval.operator,
        function=approval.function,
        parameters=approval.parameters,
        digest=approval.digest,
        ask_time=timestamp_to(approval.asked_at),
        expire_time=timestamp_to(ends_at(approval)),
        approved_by=approval.approved_by,
    )


def record_to(seq: int, record: Record) -> audit_pb.Record:
    """Return a line of the audit log."""
    return audit_pb.Record(
        seq=seq,
        time=timestamp_to(record.at),
        event=record.event,
        decision=record.decision,
        reason=record.reason,
        client=record.client,
        token_id=record.token_id,
        key_id=record.key_id,
        issuer=record.issuer,
        verified=record.verified,
        address=record.address,
        method=record.method,
        call_id=record.call_id,
        error_id=record.error_id,
        chat_id=record.chat_id,
        claimed_chat_id=record.claimed_chat_id,
        message_id=record.message_id,
        count=record.count,
        facts={name: _said(value) for name, value in record.facts.items()},
    )


def verdict_to(verdict: Verdict) -> audit_pb.VerifyLogResponse:
    """Return whether the log is as it was written."""
    seq, link = verdict.head
    return audit_pb.VerifyLogResponse(
        problems=verdict.problems,
        records=verdict.records,
        sealed=verdict.sealed,
        checkpoints=verdict.checkpoints,
        head=audit_pb.Link(seq=seq, link=link) if seq else None,
    )


def _said(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
