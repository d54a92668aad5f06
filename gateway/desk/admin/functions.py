"""What each function of administration asks of its operator. A function that is not in this table does not exist."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from gateway.operators import AdminRight, Operator


@dataclass(frozen=True, slots=True)
class Needs:
    """What a function asks for.

    Attributes:
        name: What it is called in the audit log, and where a second person approves it.
        right: The right that the operator's token must have.
        is_critical: Whether a second factor is needed too.
        is_approval: Whether it is what a second person does, so that no other one is asked for it.
    """

    name: str
    right: AdminRight
    is_critical: bool = False
    is_approval: bool = False


class Function(Enum):
    """The functions. Whatever changes what somebody may do is critical, but for what takes one token away."""

    ISSUE_CREDENTIAL = Needs("credentials.issue", AdminRight.CREDENTIALS, True)
    GET_CREDENTIAL = Needs("credentials.get", AdminRight.READ)
    LIST_CREDENTIALS = Needs("credentials.list", AdminRight.READ)
    REVOKE_CREDENTIAL = Needs("credentials.revoke", AdminRight.CREDENTIALS)
    MARK_CANARY = Needs("credentials.canary", AdminRight.CREDENTIALS, True)
    REVOKE_ALL_CREDENTIALS = Needs("credentials.revoke_all", AdminRight.CREDENTIALS, True)

    LIST_KEYS = Needs("keys.list", AdminRight.READ)
    GET_JWKS = Needs("keys.jwks", AdminRight.READ)
    PREPARE_KEY = Needs("keys.prepare", AdminRight.KEYS, True)
    ACTIVATE_KEY = Needs("keys.activate", AdminRight.KEYS, True)
    TAINT_KEY = Needs("keys.taint", AdminRight.KEYS, True)
    REVOKE_KEY = Needs("keys.revoke", AdminRight.KEYS, True)

    GET_CLIENT = Needs("clients.get", AdminRight.READ)
    LIST_CLIENTS = Needs("clients.list", AdminRight.READ)
    ADD_CLIENT = Needs("clients.add", AdminRight.CLIENTS, True)
    UPDATE_CLIENT = Needs("clients.update", AdminRight.CLIENTS, True)
    DISABLE_CLIENT = Needs("clients.disable", AdminRight.CLIENTS, True)
    ENABLE_CLIENT = Needs("clients.enable", AdminRight.CLIENTS, True)

    LIST_CHATS = Needs("chats.list", AdminRight.READ)
    DISCOVER_CHATS = Needs("chats.discover", AdminRight.READ)
    LIST_MIGRATIONS = Needs("chats.migrations", AdminRight.READ)
    LIST_CLOSED_CHATS = Needs("chats.closed", AdminRight.READ)
    AUTHORIZE_CHAT = Needs("chats.authorize", AdminRight.CHATS, True)
    SUSPEND_CHAT = Needs("chats.suspend", AdminRight.CHATS, True)
    RESUME_CHAT = Needs("chats.resume", AdminRight.CHATS, True)
    REOPEN_CHAT = Needs("chats.reopen", AdminRight.CHATS, True)
    APPROVE_MIGRATION = Needs("chats.approve_migration", AdminRight.CHATS, True)

    LIST_APPROVALS = Needs("approvals.list", AdminRight.READ)
    GIVE_APPROVAL = Needs("approvals.give", AdminRight.APPROVE, True, True)

    SEARCH_RECORDS = Needs("audit.search", AdminRight.AUDIT)
    VERIFY_LOG = Needs("audit.verify", AdminRight.AUDIT)
    TAIL_RECORDS = Needs("audit.tail", AdminRight.AUDIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A call of an operator, with what proves that it is really meant.

    Attributes:
        request: What is asked, in bytes that are the same for the same request: what a second factor is bound to.
        parameters: The same as a second person reads it.
        one_time_code: What an authenticator showed.
        approval_id: Names what a second person approved.
        has_certificate: Whether the connection was made with a client certificate that was checked.
    """

    operator: Operator
    request: bytes = b""
    parameters: str = ""
    one_time_code: str | None = field(default=None, repr=False)
    approval_id: str | None = None
    has_certificate: bool = False
