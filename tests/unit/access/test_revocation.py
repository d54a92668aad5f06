"""What was revoked is refused by whatever names it: itself, its key, its time, or what it was narrowed from."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.causes import CAUSES
from gateway.access.revocation import Digests, Revocations, is_before
from gateway.model import Ancestor
from gateway.store.registry import token_digest
from tests.unit.access.forge import NOW

SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Token:
    """As much of a token as a revocation looks at."""

    token_id: str = "t"
    key_id: str = "k"
    issuer: str = "iss"
    client: str = "svc:a"
    issued_at: datetime = NOW
    generation: int | None = None
    ancestors: tuple[Ancestor, ...] = ()


CHILD = Token(
    ancestors=(
        Ancestor(token_id="parent", key_id="kp", issued_at=NOW - SECOND),
        Ancestor(token_id="grandparent", key_id="kg", issued_at=NOW - 2 * SECOND),
    )
)


@pytest.mark.parametrize("token_id", ["t", "parent", "grandparent"])
def test_a_token_ends_by_its_name_and_by_the_names_of_its_ancestors(token_id: str) -> None:
    revoked = Revocations()
    assert revoked.cause_of(CHILD) is None
    revoked.tokens.update([token_digest(token_id)])
    assert revoked.cause_of(CHILD) == "revoked_jti"
    assert revoked.cause_of(Token(token_id="other")) is None


@pytest.mark.parametrize("key_id", ["k", "kp", "kg"])
def test_a_token_ends_with_the_key_of_its_issuer_and_of_its_ancestors(key_id: str) -> None:
    revoked = Revocations()
    revoked.keys = frozenset({("iss", key_id)})
    assert revoked.cause_of(CHILD) == "revoked_key"
    revoked.keys = frozenset({("another issuer", key_id)})
    assert revoked.cause_of(CHILD) is None


@pytest.mark.parametrize(
    ("not_before", "is_revoked"),
    [(None, False), (NOW - SECOND, False), (NOW, True), (NOW + timedelta(milliseconds=1), True)],
)
def test_the_second_of_the_revocation_counts_as_before_it(not_before: datetime | None, is_revoked: bool) -> None:
    revoked = Revocations()
    revoked.not_before = not_before
    assert revoked.cause_of(Token()) == ("revoked_before" if is_revoked else None)
    assert is_before(Token(), not_before) is is_revoked


def test_a_child_is_no_younger_than_its_oldest_ancestor() -> None:
    assert is_before(CHILD, NOW - 2 * SECOND)
    assert not is_before(CHILD, NOW - 3 * SECOND)


def test_each_cause_is_one_of_the_closed_set() -> None:
    assert {"revoked_before", "revoked_key", "revoked_jti", "revoked_client", "old_generation"} <= CAUSES


digests = st.binary(min_size=16, max_size=16)


@given(st.sets(digests, max_size=50), st.sets(digests, max_size=50), st.randoms())
def test_digests_are_a_set(added: set[bytes], others: set[bytes], chance: random.Random) -> None:
    # The first two bytes choose the bucket: here many share one.
    added = {digest[:2].translate(bytes([0]) * 128 + bytes([1]) * 128) + digest[2:] for digest in added}
    gone = set(chance.sample(sorted(added), len(added) // 2))
    held = Digests()
    held.update(added)
    assert len(held) == len(added)
    assert all(digest in held for digest in added)
    assert [digest for digest in others if digest in held] == [digest for digest in others if digest in added]
    held.discard(gone | others)
    assert len(held) == len(added - gone - others)
    assert {digest for digest in added if digest in held} == added - gone - others


def test_a_million_digests_find_each_of_theirs_and_no_other() -> None:
    held = Digests()
    mine = [os.urandom(16) for _ in range(1_000_000)]
    held.update(mine)
    assert len(held) == 1_000_000
    assert all(digest in held for digest in mine[::997])
    assert not any(os.urandom(16) in held for _ in range(1000))


def test_the_digest_of_a_name_has_sixteen_bytes_whatever_its_length() -> None:
    assert {len(token_digest(name)) for name in ("t", "x" * 64)} == {16}
    assert token_digest("a") != token_digest("b")
