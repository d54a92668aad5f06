"""What operators ask: the contract's messages as the words of the house. What is not understood is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from google.protobuf.message import Message as ProtoMessage

from chatkey.admin.v1 import audit_service_pb2 as audit_pb
from chatkey.admin.v1 import chat_registry_service_pb2 as chat_pb
from chatkey.admin.v1 import client_service_pb2 as client_pb
from chatkey.admin.v1 import credential_service_pb2 as credential_pb
from chatkey.v1 import credential_self_pb2 as self_pb
from gateway.access.issue import DEFAULT_LIFETIME, Terms
from gateway.access.soundness import TERMS
from gateway.addresses import AddressRanges
from gateway.desk.admin.credentials import Whose
from gateway.desk.admin.functions import Ask
from gateway.errors import RequestInvalid
from gateway.model import Grant, Permission
from gateway.rpc.admin.shown import shown
from gateway.rpc.admin.times import duration_from, instant_from
from gateway.rpc.call import Call
from gateway.rpc.convert import PERMISSIONS, refuse_unknown_fields
from gateway.rpc.routing import APPROVAL, ONE_TIME_CODE

CREDENTIAL_STATES: Mapping[int, str] = {
    number: name.removeprefix("CREDENTIAL_STATE_").lower()
    for name, number in credential_pb.CredentialState.items()
    if number
}
CLIENT_STATES: Mapping[int, str] = {
    number: name.removeprefix("CLIENT_STATE_").lower() for name, number in client_pb.ClientState.items() if number
}
CHAT_STATES: Mapping[int, str] = {
    number: name.removeprefix("CHAT_STATE_").lower() for name, number in chat_pb.ChatState.items() if number
}
_FILTERED = ("event", "decision", "reason", "client", "error_id", "message_id", "token_id")


def ask_from(request: ProtoMessage, call: Call) -> Ask:
    """Return who asks, and what proves that it is meant; raises `RequestInvalid` for fields that are not known."""
    refuse_unknown_fields(request)
    return Ask(
        operator=call.require_operator(),
        request=request.SerializeToString(deterministic=True),
        parameters=shown(request),
        one_time_code=_sole(call.proofs.get(ONE_TIME_CODE)),
        approval_id=_sole(call.proofs.get(APPROVAL)),
        has_certificate=call.certificate() is not None,
    )


def _sole(values: list[str] | None) -> str | None:
    # Of two, a proxy might look at the first and we at the last: then there is none.
    return values[0] if values is not None and len(values) == 1 else None


def states_from(numbers: Iterable[int], known: Mapping[int, str]) -> frozenset[str]:
    """Return the states that are asked for."""
    for index, number in enumerate(numbers):
        if number not in known:
            raise RequestInvalid([(f"states[{index}]", "is not a state of this version")])
    return frozenset(known[number] for number in numbers)


def terms_of_token(request: credential_pb.IssueCredentialRequest) -> Terms:
    """Return what a token is to say."""
    return Terms(
        client=request.client,
        grants=tuple(_grant(index, grant) for index, grant in enumerate(request.grants)),
        ttl=duration_from(request.ttl) if request.HasField("ttl") else DEFAULT_LIFETIME,
        address_ranges=_ranges(request.address_ranges, "address_ranges") if request.address_ranges else None,
        certificate_thumbprint=request.certificate_thumbprint,
        generation=request.generation if request.HasField("generation") else None,
    )


def revocation_from(request: credential_pb.RevokeAllCredentialsRequest) -> tuple[Whose, datetime | None]:
    """Return whose tokens are to be revoked, and until when those were issued."""
    kind = request.WhichOneof("whose")
    whose = Whose(
        client=request.client if kind == "client" else None,
        key=(request.key.issuer, request.key.key_id) if kind == "key" else None,
        everybody=request.everybody,
    )
    has_instant = request.HasField("not_before")
    return whose, instant_from(request.not_before, "not_before") if has_instant else None


def terms_of_new(request: client_pb.AddClientRequest) -> dict[str, Any]:
    """Return what is to hold for a client that is not as by default."""
    terms = request.terms
    named = {field.name for field, _ in terms.ListFields()}
    return _terms(terms, named, "terms")


def terms_of_change(request: client_pb.UpdateClientRequest) -> dict[str, Any]:
    """Return what of a client is to change."""
    paths = set(request.update_mask.paths)
    if not paths:
        raise RequestInvalid([("update_mask", "is required: name what is to change")])
    if unknown := paths - TERMS:
        raise RequestInvalid([("update_mask", f"has {name}, which is no term of a client") for name in sorted(unknown)])
    if left := {field.name for field, _ in request.terms.ListFields()} - paths:
        raise RequestInvalid([(f"terms.{name}", "is set and not in update_mask") for name in sorted(left)])
    return _terms(request.terms, paths, "terms")


def _terms(terms: client_pb.ClientTerms, names: Iterable[str], path: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in names:
        has_presence = terms.DESCRIPTOR.fields_by_name[name].has_presence
        found[name] = None if has_presence and not terms.HasField(name) else getattr(terms, name)
    if found.get("chat_ids") is not None:
        found["chat_ids"] = frozenset(found["chat_ids"].chat_ids)
    if found.get("address_ranges") is not None:
        found["address_ranges"] = _ranges(found["address_ranges"].ranges, f"{path}.address_ranges")
    return found


def permissions_from(numbers: Iterable[int]) -> frozenset[Permission]:
    """Return the permissions that are named."""
    for index, number in enumerate(numbers):
        if number not in PERMISSIONS:
            raise RequestInvalid([(f"permissions[{index}]", "is not a permission of this version")])
    return frozenset(PERMISSIONS[number] for number in numbers)


def filter_from(wanted: audit_pb.RecordFilter) -> dict[str, str | int]:
    """Return what the fields of records must be."""
    found: dict[str, str | int] = {name: getattr(wanted, name) for name in _FILTERED if getattr(wanted, name)}
    if wanted.HasField("chat_id"):
        found["chat_id"] = wanted.chat_id
    return found


def stale_for(request: client_pb.ListClientsRequest) -> timedelta | None:
    """Return for how long clients must not have been seen."""
    return duration_from(request.stale_for) if request.HasField("stale_for") else None


def _grant(index: int, grant: self_pb.ChatGrant) -> Grant:
    if not all(number in PERMISSIONS for number in grant.permissions):
        raise RequestInvalid([(f"grants[{index}].permissions", "has one that is not a permission of this version")])
    return Grant(
        chat_id=grant.chat_id,
        permissions=frozenset(PERMISSIONS[number] for number in grant.permissions),
        message_thread_id=grant.message_thread_id if grant.HasField("message_thread_id") else None,
    )


def _ranges(texts: Iterable[str], path: str) -> AddressRanges:
    try:
        return AddressRanges.parse(texts)
    except ValueError:
        raise RequestInvalid([(path, "are not all ranges such as 10.0.0.0/8, or addresses")]) from None
