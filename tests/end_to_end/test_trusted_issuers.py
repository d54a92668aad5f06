"""Tokens of other issuers at the real door: what the configuration trusts opens its chats, and follows its keys."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import chatkey
from chatkey import Client, State
from chatkey.v1 import credential_self_pb2, credential_self_pb2_grpc
from gateway.access.keys import SigningKey, VerificationKey
from gateway.addresses import AddressRanges
from gateway.config import load
from gateway.errors import ConfigInvalid
from gateway.model import Permission
from gateway.trust import MappedChat, TrustedIssuer
from tests.support import canary
from tests.support.gateway import Gateway, gateway
from tests.support.open_door import refusal_of
from tests.support.server import until
from tests.unit.jwks.far_side import answer
from tests.unit.jwks.far_side import server as web_server

ISSUER, DOMAIN = "https://login.corp.example", "spiffe://corp.example"
AUDIENCE = "chatkey/prod"


def jwks(*keys: VerificationKey, **changes: str) -> bytes:
    return json.dumps({"keys": [{**key.members, **changes} for key in keys]}).encode()


def token(key: SigningKey, **changes: object) -> str:
    """A token as a company's own issuer writes it; None leaves a claim out."""
    now = int(datetime.now(UTC).timestamp())
    claims = {
        "iss": ISSUER,
        "sub": "svc:billing",
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + 300,
        "jti": "0123456789abcdef",
        "chat_id": -1001,
        **changes,
    }
    return canary.watch(key.sign({name: value for name, value in claims.items() if value is not None}))


def svid(key: SigningKey) -> str:
    """A JWT-SVID as SPIRE writes it."""
    now = int(datetime.now(UTC).timestamp())
    claims = {"sub": f"{DOMAIN}/billing", "aud": [AUDIENCE], "iat": now, "exp": now + 300}
    private = serialization.load_pem_private_key(key.to_pem(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    return canary.watch(jwt.encode(claims, private, "ES256", headers={"kid": key.kid, "typ": "JWT"}))


def replace(path: Path, content: bytes) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)


async def is_taken(house: Gateway, text: str) -> bool:
    async with Client(house.address, token=text) as client:
        try:
            await client.describe()
        except chatkey.Unauthenticated:
            return False
    return True


async def test_a_company_issues_its_own_tokens_and_rotates_its_own_keys(tmp_path: Path) -> None:
    old, new, stranger = (SigningKey.generate() for _ in range(3))
    path = tmp_path / "corp.json"
    path.write_bytes(jwks(old.verification_key))
    (tmp_path / "chatkey.toml").write_text(
        f"""
        [[trusted_issuers]]
        issuer = "{ISSUER}"
        audience = "{AUDIENCE}"
        jwks_file = "{path}"
        subjects = ["svc:*"]
        chats = [-1001]
        """
    )
    trusted = load({}, tmp_path).trusted_issuers
    async with gateway(tmp_path / "data", trusted_issuers=trusted) as house:
        good = token(old)
        async with Client(house.address, token=good) as client:
            assert (await client.send("from their own issuer", chat_id=-1001)).state is State.DELIVERED
            with pytest.raises(chatkey.PermissionDenied):
                await client.send("elsewhere", chat_id=-1002)
        for bad in (
            token(old, chat_id=-1002),
            token(old, sub="user:x"),
            token(old, aud=house.config.audience),
            token(old, iss=house.config.issuer),
            token(stranger),
        ):
            assert not await is_taken(house, bad)
        assert await is_taken(house, house.token(-1002))

        replace(path, jwks(old.verification_key, new.verification_key))
        await until(lambda: is_taken(house, token(new)), "the new key is known")
        assert await is_taken(house, good)
        replace(path, b"nonsense")
        assert await is_taken(house, good)
        replace(path, jwks(new.verification_key))
        await until(lambda: _is_refused(house, good), "the old key is gone")
        assert await is_taken(house, token(new))
    assert [message["text"] for message in house.telegram.messages(-1001)] == ["from their own issuer"]


async def test_a_jwt_svid_opens_the_chat_that_is_mapped_to_its_subject(tmp_path: Path) -> None:
    key = SigningKey.generate()
    bundle = {**key.verification_key.members, "use": "jwt-svid"}
    del bundle["alg"]
    async with web_server(tmp_path) as far:
        far.says = answer(json.dumps({"keys": [bundle], "spiffe_sequence": 1}).encode())
        spiffe = TrustedIssuer(
            issuer=DOMAIN,
            audience=AUDIENCE,
            jwks_url=far.url,
            jwks_ca_file=far.ca_file,
            jwks_networks=AddressRanges.parse(["127.0.0.0/8"]),
            token_types=frozenset({"JWT", "JOSE", ""}),
            chat_mapping=(
                MappedChat(subject=f"{DOMAIN}/billing", chat_id=-1001, actions=frozenset({Permission.WRITE})),
            ),
        )
        async with (
            gateway(tmp_path / "data", trusted_issuers=(spiffe,)) as house,
            Client(house.address, token=svid(key)) as client,
        ):
            assert (await client.send("from a workload", chat_id=-1001)).state is State.DELIVERED
            assert (await client.describe()).client == f"{DOMAIN}/billing"
            with pytest.raises(chatkey.PermissionDenied):
                await client.send("elsewhere", chat_id=-1002)
        assert len(far.asked) == 1


async def test_a_key_that_was_published_meanwhile_is_learned_from_the_first_token_that_names_it(tmp_path: Path) -> None:
    old, new = SigningKey.generate(), SigningKey.generate()
    async with web_server(tmp_path) as far:
        far.says = answer(jwks(old.verification_key))
        async with gateway(tmp_path / "data", trusted_issuers=(over_https(far.url, far.ca_file),)) as house:
            assert await is_taken(house, token(old))
            far.says = answer(jwks(old.verification_key, new.verification_key))
            text = token(new)
            assert not await is_taken(house, text)
            await until(lambda: is_taken(house, text), "the new key is known")
        assert len(far.asked) == 2


async def test_while_an_issuer_can_not_be_reached_its_tokens_may_be_tried_again_and_ours_are_good(
    tmp_path: Path,
) -> None:
    key = SigningKey.generate()
    async with web_server(tmp_path) as far:
        gone, ca_file = far.url, far.ca_file
    async with gateway(tmp_path / "data", trusted_issuers=(over_https(gone, ca_file),)) as house:
        assert await is_taken(house, house.token(-1001))
        async with grpc.aio.insecure_channel(house.address) as channel:
            stub = credential_self_pb2_grpc.CredentialSelfStub(channel)  # type: ignore[no-untyped-call]
            refusal = await refusal_of(
                stub.DescribeCredential(
                    credential_self_pb2.DescribeCredentialRequest(),
                    metadata=(("authorization", f"Bearer {token(key)}"),),
                )
            )
    assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.UNAVAILABLE, "STATE_STALE")


@pytest.mark.parametrize(
    "keys",
    [
        b"{}",
        b'{"keys":[]}',
        jwks(SigningKey.generate().verification_key, d="c2VjcmV0"),
        jwks(SigningKey.generate().verification_key, kty="oct", k="c2VjcmV0"),
        jwks(SigningKey.generate().verification_key, SigningKey.generate().verification_key, kid="twice"),
    ],
    ids=["nothing", "no keys", "a private key", "a secret", "one name twice"],
)
async def test_row_49_a_gateway_does_not_start_with_keys_that_are_not_sound(tmp_path: Path, keys: bytes) -> None:
    async with web_server(tmp_path) as far:
        far.says = answer(keys)
        path = tmp_path / "keys.json"
        path.write_bytes(keys)
        from_file = TrustedIssuer(issuer=ISSUER, audience=AUDIENCE, jwks_file=path, subjects=("*",), chats=None)
        for issuer in (from_file, over_https(far.url, far.ca_file)):
            with pytest.raises(ConfigInvalid, match=ISSUER) as caught:
                async with gateway(tmp_path / "data", trusted_issuers=(issuer,)):
                    raise AssertionError("it started")
            assert "c2VjcmV0" not in str(caught.value)


async def test_a_gateway_with_public_keys_only_makes_no_private_one(tmp_path: Path) -> None:
    key = SigningKey.generate()
    path = tmp_path / "public.json"
    path.write_bytes(jwks(key.verification_key))
    async with gateway(tmp_path / "data", issuer=ISSUER, audience=AUDIENCE, issuer_jwks_file=path) as house:
        async with Client(house.address, token=token(key)) as client:
            assert (await client.send("signed elsewhere", chat_id=-1001)).state is State.DELIVERED
        assert not (tmp_path / "data" / "keys").exists()
        replace(path, jwks(SigningKey.generate().verification_key))
        await until(lambda: _is_refused(house, token(key)), "the key is gone")


def over_https(url: str, ca_file: Path) -> TrustedIssuer:
    return TrustedIssuer(
        issuer=ISSUER,
        audience=AUDIENCE,
        jwks_url=url,
        jwks_ca_file=ca_file,
        jwks_networks=AddressRanges.parse(["127.0.0.1"]),
        subjects=("svc:*",),
        chats=None,
    )


async def _is_refused(house: Gateway, text: str) -> bool:
    return not await is_taken(house, text)
