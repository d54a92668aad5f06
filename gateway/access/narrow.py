"""Delegation: the holder of a token gets a child of it that can do less, ends no later and dies with it.

A holder can't sign, so the gateway mints the child, with its own key and on nobody's word but the parent's: every part
of the child comes from the verified parent, and what the holder asks for only takes away. The alternative, chained
signatures by holders as in macaroons or biscuits, would need no server, and a second token format with a verifier of
its own; what is an ordinary token is verified, revoked and audited like one.

What kills the parent kills the child, because the child names every ancestor by what a revocation may name: its `jti`,
its `kid` (a token of a stolen key has no children that outlive the key) and its `iat`; client, generation, address
ranges and certificate are the parent's own.

A child is a token of our issuer. Of a token of another issuer there is none: what that issuer may say, and until when,
is for its own entry in the configuration to decide, and it can mint a narrower token itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.access import grants
from gateway.access.claims import MAX_DEPTH
from gateway.access.issue import Issued, Issuer, Terms
from gateway.addresses import AddressRanges
from gateway.errors import PermissionDenied, RequestInvalid
from gateway.model import Ancestor, Caller, Grant, Narrowing, is_message_thread_id


def narrow(issuer: Issuer, caller: Caller, wish: Narrowing) -> Issued:
    """Mint a child of the caller's token.

    Raises:
        PermissionDenied: `foreign_issuer`; as `grants.require` for what the parent does not have.
        RequestInvalid: the wish is malformed, nothing is left of it, or there are too many ancestors.
    """
    if caller.issuer != issuer.name:
        raise PermissionDenied("foreign_issuer")
    if len(caller.ancestors) >= MAX_DEPTH:
        raise RequestInvalid([("", f"the credential was narrowed {MAX_DEPTH} times already")])
    lifetime = caller.expires_at - caller.issued_at
    return issuer.mint(
        Terms(
            client=caller.client,
            grants=tuple(_granted(caller, wish)),
            ttl=lifetime if wish.ttl is None else min(wish.ttl, lifetime),
            not_after=caller.expires_at,
            address_ranges=_ranges(caller.address_ranges, wish.address_ranges),
            certificate_thumbprint=caller.certificate_thumbprint,
            generation=caller.generation,
            ancestors=(Ancestor(caller.token_id, caller.key_id, caller.issued_at), *caller.ancestors),
        )
    )


def _granted(caller: Caller, wish: Narrowing) -> Iterator[Grant]:
    if not wish.grants:
        able = [grant for grant in caller.grants if grant.permissions]
        if not able:
            raise PermissionDenied("missing_permission")
        yield from able
    for index, wanted in enumerate(wish.grants):
        if wanted.message_thread_id is not None and not is_message_thread_id(wanted.message_thread_id):
            raise RequestInvalid([(f"grants[{index}].message_thread_id", "is not the id of a forum topic")])
        yield _within(caller, wanted)


def _within(caller: Caller, wanted: Grant) -> Grant:
    parent = grants.grant_of(caller, wanted.chat_id)
    thread = parent.message_thread_id if wanted.message_thread_id is None else wanted.message_thread_id
    permissions = wanted.permissions or parent.permissions
    for permission in permissions:
        grants.require(caller, permission, wanted.chat_id, thread or 0)
    if not permissions:
        raise PermissionDenied("missing_permission", chat_id=wanted.chat_id)
    return Grant(chat_id=wanted.chat_id, permissions=permissions, message_thread_id=thread)


def _ranges(parents: AddressRanges | None, wanted: AddressRanges | None) -> AddressRanges | None:
    if parents is None or wanted is None:
        return parents if wanted is None else wanted
    common = parents & wanted
    if not common:
        raise RequestInvalid([("address_ranges", "have no address in common with those of the credential")])
    return common
