"""What whoever calls from outside of the allowed addresses is told, and what it costs us."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from gateway.access import outsiders
from gateway.errors import StateStale, TokenExpired, TooManyFailures, Unauthenticated
from tests.unit.access import forge


def not_asked() -> None:
    raise AssertionError("the token was looked at")


@pytest.mark.parametrize(
    "values",
    [[], ["Bearer x"], [f"Bearer {forge.token()}"] * 2, [f"Bearer {forge.token()}"], [f"Bearer {forge.token()}="],
     [f"Bearer {forge.with_claims(jti=7)}"], [f"Bearer {forge.token()[:-4]}AAAA"]],
)  # fmt: skip
def test_an_outsider_is_denied_whatever_the_token_which_is_not_verified(values: Sequence[str]) -> None:
    denied = outsiders.refusal(values, lambda token_id: token_id == "bait", not_asked)
    assert (denied.cause, denied.record, str(denied)) == (
        "address_denied", {"verified": False}, "permission denied",
    )  # fmt: skip


@pytest.mark.parametrize("verdict", [Unauthenticated, TokenExpired])
def test_that_a_canary_is_used_is_news_from_anywhere_and_its_answer_is_that_to_any_outsider(
    verdict: type[Unauthenticated],
) -> None:
    def authenticate() -> None:
        raise verdict("canary_used", verified=True, client="svc:bait")

    values = [f"Bearer {forge.with_claims(jti='bait')}"]
    denied = outsiders.refusal(values, lambda token_id: token_id == "bait", authenticate)
    assert (denied.cause, denied.record) == ("canary_used", {"verified": True, "client": "svc:bait"})
    assert str(denied) == "permission denied"


@pytest.mark.parametrize(
    "error", [Unauthenticated("bad_signature"), StateStale(), TooManyFailures(retry_after=timedelta(hours=1))]
)
def test_a_forged_canary_is_an_outsider_like_any_other(error: Exception) -> None:
    def authenticate() -> None:
        raise error

    denied = outsiders.refusal([f"Bearer {forge.with_claims(jti='bait')}"], lambda _: True, authenticate)
    assert (denied.cause, denied.record) == ("address_denied", {"verified": False})
