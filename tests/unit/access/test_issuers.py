"""Several issuers in one verifier: each has its own keys, algorithms, audience, subjects and chats."""

from __future__ import annotations

import dataclasses
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from itertools import product

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import RSAAlgorithm

from gateway.access.issuers import Trust
from gateway.access.keys import KeySet, SigningKey, VerificationKey
from gateway.access.tokens import Verifier
from gateway.errors import ConfigInvalid, StateStale
from gateway.model import Grant, Permission
from gateway.trust import MappedChat, TrustedIssuer
from tests.unit.access import forge
from tests.unit.access.conftest import Count
from tests.unit.access.forge import AUDIENCE, CHAT, CLAIMS, ISSUER, KEY, KID, NOW_SECONDS, cause, refusal

CORP, LAB = "https://login.corp.example", "https://lab.example"
CORP_KEY, LAB_KEY = SigningKey.generate(), SigningKey.generate()
RSA = rsa.generate_private_key(65537, 2048)
RSA_MEMBERS = {name: RSAAlgorithm.to_jwk(RSA.public_key(), as_dict=True)[name] for name in ("kty", "n", "e")}
WRITE, READ = Permission.WRITE, Permission.READ
WITHIN = timedelta(hours=24)


def rsa_key(algorithm: str, kid: str = "r") -> VerificationKey:
    return VerificationKey.from_jwk({**RSA_MEMBERS, "kid": kid, "alg": algorithm, "use": "sig"}, [algorithm])


def trust(
    keys: KeySet | VerificationKey = CORP_KEY.verification_key,
    *,
    is_stale: Callable[[], bool] = lambda: False,
    on_unknown_key: Callable[[], None] | None = None,
    **changes: object,
) -> Trust:
    """What a usual entry of the configuration believes, with changes."""
    usual = {
        "issuer": CORP,
        "audience": AUDIENCE,
        "jwks_url": "https://login.corp.example/jwks",
        "subjects": ("*",),
        "chats": None,
    }
    return Trust.of(
        TrustedIssuer(**{**usual, **changes}),  # type: ignore[arg-type]
        keys if isinstance(keys, KeySet) else KeySet([keys]),
        max_lifetime=WITHIN,
        is_stale=is_stale,
        on_unknown_key=on_unknown_key,
    )


def verifier(*trusted: Trust) -> Verifier:
    return forge.verifier(trusted=trusted)


def corp(**changes: object) -> str:
    """A good token of the other issuer, with changes of its claims; None leaves one out."""
    claims = {**CLAIMS, "iss": CORP, **changes}
    return CORP_KEY.sign({name: value for name, value in claims.items() if value is not None})


def headed(text: str, key: SigningKey | None = None, **changes: object) -> str:
    """The same claims under another header, signed again; None leaves a member out."""
    header = {**json.loads(forge.unb64(text.split(".")[0])), **changes}
    kept = {name: value for name, value in header.items() if value is not None}
    private = serialization.load_pem_private_key((key or CORP_KEY).to_pem(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    return forge.token(header=kept, claims=forge.unb64(text.split(".")[1]), private=private)


def rsa_token(algorithm: str, kid: str = "r", **changes: object) -> str:
    claims = {**CLAIMS, "iss": CORP, **changes}
    return jwt.encode(claims, RSA, algorithm, headers={"kid": kid, "typ": "JWT"})


# --- whose token it is


def test_each_issuer_opens_what_it_signs() -> None:
    guard = verifier(trust(), trust(LAB_KEY.verification_key, issuer=LAB))
    for key, issuer in ((KEY, ISSUER), (CORP_KEY, CORP), (LAB_KEY, LAB)):
        caller = guard.verify(key.sign({**CLAIMS, "iss": issuer}))
        assert (caller.issuer, caller.key_id) == (issuer, key.kid)


def test_b3_8a_row_28_a_key_opens_nothing_in_the_name_of_another_issuer() -> None:
    keys = {ISSUER: KEY, CORP: CORP_KEY, LAB: LAB_KEY}
    guard = verifier(trust(), trust(LAB_KEY.verification_key, issuer=LAB))
    for name, signer in product(keys, repeat=2):
        if name != signer:
            assert cause(keys[signer].sign({**CLAIMS, "iss": name}), guard) == "unknown_key"


def test_b3_8a_row_28_the_same_kid_in_two_sets_is_two_keys() -> None:
    guard = verifier(
        trust(forge.named(CORP_KEY, "1")), trust(forge.named(LAB_KEY, "1"), issuer=LAB), trust(issuer="third")
    )
    for issuer, right, wrong in ((CORP, CORP_KEY, LAB_KEY), (LAB, LAB_KEY, CORP_KEY)):
        text = right.sign({**CLAIMS, "iss": issuer})
        assert guard.verify(headed(text, right, kid="1")).issuer == issuer
        assert cause(headed(text, wrong, kid="1"), guard) == "bad_signature"


@pytest.mark.parametrize("issuer", [CORP + "/", CORP.upper(), CORP[:-1], f" {CORP}", "", None, 1, True, [CORP], {}])
def test_b3_8a_row_28_an_issuer_is_found_by_its_exact_name(issuer: object) -> None:
    assert cause(forge.with_claims(iss=issuer), verifier(trust())) == "wrong_issuer"


def test_row_28_the_cross_product_of_issuer_audience_key_and_type() -> None:
    audiences = {ISSUER: AUDIENCE, CORP: "gateway/corp", LAB: "gateway/lab"}
    keys = {ISSUER: KEY, CORP: CORP_KEY, LAB: LAB_KEY}
    guard = verifier(
        trust(audience=audiences[CORP]), trust(LAB_KEY.verification_key, issuer=LAB, audience=audiences[LAB])
    )
    accepted = []
    for issuer, audience, signer, kind in product(keys, audiences, keys, ("at+jwt", "JWT", "id_token+jwt")):
        text = keys[signer].sign({**CLAIMS, "iss": issuer, "aud": audiences[audience]})
        text = headed(text, keys[signer], typ=kind)
        if issuer == audience == signer and kind != "id_token+jwt":
            accepted.append(guard.verify(text).issuer)
        else:
            assert cause(text, guard) in {"unknown_key", "wrong_audience", "wrong_type"}
    assert accepted == [ISSUER, ISSUER, CORP, CORP, LAB, LAB]


def test_two_issuers_of_one_name_can_not_be_told_apart() -> None:
    for name in (CORP, ISSUER):
        with pytest.raises(ConfigInvalid, match="two issuers"):
            verifier(trust(), trust(issuer=name))


def test_a_refusal_after_the_signature_held_says_whose_token_it_was() -> None:
    record = refusal(corp(aud="other"), verifier(trust())).record
    assert (record["verified"], record["issuer"], record["key_id"]) == (True, CORP, CORP_KEY.kid)


# --- algorithms


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
def test_b3_2_another_algorithm_needs_the_configuration_and_nothing_else(algorithm: str) -> None:
    guard = verifier(trust(rsa_key(algorithm), algorithms=(algorithm,)))
    assert guard.verify(rsa_token(algorithm)).issuer == CORP
    assert guard.verify(rsa_token(algorithm)).sole_chat_id == CHAT


def test_b3_1d_algorithms_are_those_of_the_issuer() -> None:
    guard = verifier(trust(), trust(rsa_key("RS256"), issuer=LAB, algorithms=("RS256",)))
    assert guard.verify(rsa_token("RS256", iss=LAB)).issuer == LAB
    assert cause(rsa_token("RS256"), guard) == "unknown_key"
    assert cause(rsa_token("RS256", kid=CORP_KEY.kid), guard) == "wrong_algorithm"
    assert cause(rsa_token("RS256", kid=KID, iss=ISSUER), guard) == "wrong_algorithm"


def test_b3_1b_a_key_has_one_of_the_two_rsa_algorithms() -> None:
    for algorithm, other in (("RS256", "PS256"), ("PS256", "RS256")):
        guard = verifier(trust(rsa_key(algorithm), algorithms=("RS256", "PS256")))
        assert cause(rsa_token(other), guard) == "wrong_algorithm"


def spellings_of_the_rsa_key() -> dict[str, bytes]:
    public = RSA.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    jwk = dict(rsa_key("RS256").members)
    return {
        "pem": pem,
        "pem without its last newline": pem.rstrip(),
        "pem with crlf": pem.replace(b"\n", b"\r\n"),
        "pem with bom": b"\xef\xbb\xbf" + pem,
        "pkcs1 pem": public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1),
        "der": public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        "pkcs1 der": public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1),
        "ssh": public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH),
        "modulus": forge.unb64(jwk["n"]),
        "jwk": json.dumps(jwk).encode(),
        "jwks": json.dumps(KeySet([rsa_key("RS256")]).jwks()).encode(),
    }


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512", "RS256", "PS256"])
@pytest.mark.parametrize("spelling", spellings_of_the_rsa_key())
def test_b3_1b_row_19_a_public_rsa_key_is_no_secret(algorithm: str, spelling: str) -> None:
    guard = verifier(trust(rsa_key("RS256"), algorithms=("RS256",)))
    signing_input = ".".join(
        (forge.encoded({"alg": algorithm, "kid": "r", "typ": "JWT"}), forge.encoded({**CLAIMS, "iss": CORP}))
    )
    digest = {"HS384": "sha384", "HS512": "sha512"}.get(algorithm, "sha256")
    secret = spellings_of_the_rsa_key()[spelling]
    forged = f"{signing_input}.{forge.b64(hmac.new(secret, signing_input.encode(), digest).digest())}"
    assert cause(forged, guard) == ("bad_signature" if algorithm == "RS256" else "wrong_algorithm")


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 512])
def test_b3_4_an_rsa_signature_of_zeros_or_another_length_is_refused(size: int) -> None:
    guard = verifier(trust(rsa_key("RS256"), algorithms=("RS256",)))
    signing_input = rsa_token("RS256").rpartition(".")[0]
    expected = "bad_signature" if size else "malformed_token"
    assert cause(f"{signing_input}.{forge.b64(bytes(size))}", guard) == expected


def test_b3_5_a_key_that_is_too_short_verifies_nothing_even_if_it_were_loaded() -> None:
    weak = rsa.generate_private_key(65537, 1024)
    key = rsa_key("RS256")
    loaded = dataclasses.replace(key, public=jwt.PyJWK(RSAAlgorithm.to_jwk(weak.public_key(), as_dict=True), "RS256"))
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        text = jwt.encode({**CLAIMS, "iss": CORP}, weak, "RS256", headers={"kid": "r", "typ": "JWT"})
    assert cause(text, verifier(trust(loaded, algorithms=("RS256",)))) == "bad_signature"


# --- header


@pytest.mark.parametrize(
    ("types", "kind", "refused"),
    [
        (("at+jwt", "JWT"), None, "bad_header"),
        (("at+jwt", "JWT"), "", "wrong_type"),
        (("at+jwt", "JWT"), "JOSE", "wrong_type"),
        (("JWT", "JOSE", ""), None, None),
        (("JWT", "JOSE", ""), "JOSE", None),
        (("JWT", "JOSE", ""), "JWT", None),
        (("JWT", "JOSE", ""), "", "wrong_type"),
        (("JWT", "JOSE", ""), "at+jwt", "wrong_type"),
        (("JWT", "JOSE", ""), "jwt", "wrong_type"),
        (("JWT", "JOSE", ""), 1, "bad_header"),
        (("JWT", "JOSE", ""), ["JWT"], "bad_header"),
    ],
)
def test_b3_11_the_type_is_one_that_this_issuer_may_use(types: tuple[str, ...], kind: object, refused: str) -> None:
    guard = verifier(trust(token_types=frozenset(types)))
    text = headed(corp(), typ=kind)
    if refused:
        assert cause(text, guard) == refused
    else:
        assert guard.verify(text).issuer == CORP


def test_row_22_a_header_member_is_passed_over_only_where_it_is_named_and_for_this_issuer() -> None:
    guard = verifier(trust(ignored_header_members=frozenset({"x-env"})))
    assert guard.verify(headed(corp(), **{"x-env": {"any": 1}})).issuer == CORP
    for name in ("x-envs", "X-Env", "jku", "crit", "b64", "x5c"):
        assert cause(headed(corp(), **{name: "x"}), guard) == "bad_header"
    assert cause(forge.with_header(**{"x-env": "x"}), guard) == "bad_header"


# --- claims


def test_claims_are_passed_over_only_where_they_are_named_and_for_this_issuer() -> None:
    guard = verifier(trust(ignored_claims=frozenset({"azp", "email"})))
    assert guard.verify(corp(azp="x", email=[{}])).issuer == CORP
    assert cause(corp(azp="x", name="x"), guard) == "unknown_claim"
    assert cause(forge.with_claims(azp="x"), guard) == "unknown_claim"


@pytest.mark.parametrize(
    ("audience", "refused"),
    [
        (AUDIENCE, False),
        ([AUDIENCE], False),
        ([AUDIENCE, "other"], False),
        (["other", AUDIENCE], False),
        (["other"], True),
        ([], True),
        ([AUDIENCE, 1], True),
        ([AUDIENCE, None], True),
        (f"{AUDIENCE} other", True),
        ({AUDIENCE: 1}, True),
        (AUDIENCE.upper(), True),
    ],
)
def test_b3_9_several_audiences_only_where_it_is_allowed(audience: object, refused: bool) -> None:
    guard = verifier(trust(several_audiences=True), trust(LAB_KEY.verification_key, issuer=LAB))
    if refused:
        assert cause(corp(aud=audience), guard) == "wrong_audience"
    else:
        assert guard.verify(corp(aud=audience)).issuer == CORP
    if audience not in (AUDIENCE, [AUDIENCE]):
        assert cause(LAB_KEY.sign({**CLAIMS, "iss": LAB, "aud": audience}), guard) == "wrong_audience"


@pytest.mark.parametrize(
    ("subject", "good"),
    [
        ("svc:billing", True),
        ("team-a:", True),
        ("team-a:x", True),
        ("svc:billing2", False),
        ("svc:Billing", False),
        ("xsvc:billing", False),
        ("team-a", False),
        ("Team-a:x", False),
        ("*", False),
        ("team-a*", False),
    ],
)
def test_b3_8b_an_issuer_speaks_for_its_subjects_only(subject: str, good: bool) -> None:
    guard = verifier(trust(subjects=("svc:billing", "team-a:*")))
    if good:
        assert guard.verify(corp(sub=subject)).client == subject
    else:
        assert cause(corp(sub=subject), guard) == "bad_subject"


def details(*chat_ids: int) -> list[dict[str, object]]:
    return [{"type": "telegram_chat", "identifier": str(chat_id), "actions": ["write"]} for chat_id in chat_ids]


def test_an_issuer_opens_its_chats_only() -> None:
    guard = verifier(trust(chats=frozenset({-1, -2})))
    assert guard.verify(corp(chat_id=-1)).sole_chat_id == -1
    many = corp(chat_id=None, scope=None, authorization_details=details(-1, -2))
    assert guard.verify(many).chat_ids == (-1, -2)
    assert cause(corp(chat_id=-3), guard) == "bad_chat"
    assert cause(corp(chat_id=None, scope=None, authorization_details=details(-1, -3)), guard) == "bad_chat"


def test_row_30_the_longest_life_of_a_token_is_the_issuers_own() -> None:
    guard = verifier(trust(max_lifetime=timedelta(hours=2)), trust(LAB_KEY.verification_key, issuer=LAB))
    for seconds, refused in ((7200, False), (7201, True)):
        text = corp(exp=NOW_SECONDS + seconds)
        assert (cause(text, guard) == "lifetime_too_long") if refused else guard.verify(text)
    assert guard.verify(LAB_KEY.sign({**CLAIMS, "iss": LAB, "exp": NOW_SECONDS + 86400}))
    assert cause(LAB_KEY.sign({**CLAIMS, "iss": LAB, "exp": NOW_SECONDS + 86401}), guard) == "lifetime_too_long"


# --- SPIFFE: https://github.com/spiffe/spiffe/blob/main/standards/JWT-SVID.md

DOMAIN = "spiffe://corp.example"
BILLING = f"{DOMAIN}/billing"
MAPPING = (
    MappedChat(subject=BILLING, chat_id=-1, actions=frozenset({WRITE})),
    MappedChat(subject=f"{DOMAIN}/ops/*", chat_id=-2, actions=frozenset({READ})),
    MappedChat(subject=f"{DOMAIN}/ops/oncall", chat_id=-2, actions=frozenset({WRITE})),
    MappedChat(subject=f"{DOMAIN}/ops/oncall", chat_id=-3, actions=frozenset({WRITE})),
)


def spiffe(**changes: object) -> Trust:
    usual: dict[str, object] = {
        "issuer": DOMAIN,
        "subjects": (),
        "chats": frozenset(),
        "chat_mapping": MAPPING,
        "token_types": frozenset({"JWT", "JOSE", ""}),
    }
    return trust(**{**usual, **changes})  # type: ignore[arg-type]


def svid(header: dict[str, object] | None = None, **changes: object) -> str:
    """A JWT-SVID as SPIRE writes it, with changes; None leaves a claim out."""
    claims = {"sub": BILLING, "aud": [AUDIENCE], "iat": NOW_SECONDS, "exp": NOW_SECONDS + 300, **changes}
    kept = {name: value for name, value in claims.items() if value is not None}
    return headed(CORP_KEY.sign(kept), **{"typ": "JWT", **(header or {})})


@pytest.mark.parametrize("kind", ["JWT", "JOSE", None])
def test_a_jwt_svid_opens_the_chat_that_the_configuration_gives_its_subject(kind: str | None) -> None:
    caller = verifier(spiffe()).verify(svid({"typ": kind}))
    assert (caller.client, caller.issuer) == (BILLING, DOMAIN)
    assert caller.grants == (Grant(chat_id=-1, permissions=frozenset({WRITE})),)


def test_every_entry_that_fits_a_subject_gives_its_chat() -> None:
    guard = verifier(spiffe())
    assert guard.verify(svid(sub=f"{DOMAIN}/ops/intern")).grants == (Grant(chat_id=-2, permissions=frozenset({READ})),)
    assert guard.verify(svid(sub=f"{DOMAIN}/ops/oncall")).grants == (
        Grant(chat_id=-2, permissions=frozenset({READ, WRITE})),
        Grant(chat_id=-3, permissions=frozenset({WRITE})),
    )


@pytest.mark.parametrize("subject", [f"{DOMAIN}/billing2", f"{DOMAIN}/ops", f"{DOMAIN}/", DOMAIN, f"{BILLING}/x"])
def test_b3_8b_a_subject_without_an_entry_opens_nothing(subject: str) -> None:
    assert cause(svid(sub=subject), verifier(spiffe())) == "bad_subject"


@pytest.mark.parametrize(
    "subject", ["spiffe://other.example/billing", "spiffe://corp.example.evil/x", "spiffe:///billing", "SPIFFE://x/y"]
)
def test_a_jwt_svid_of_another_trust_domain_is_nobodys(subject: str) -> None:
    assert cause(svid(sub=subject), verifier(spiffe())) in {"wrong_issuer", "missing_claim"}


@pytest.mark.parametrize("subject", [None, 1, [BILLING], "billing"])
def test_a_token_that_does_not_say_whose_it_is_is_nobodys(subject: object) -> None:
    assert cause(svid(sub=subject), verifier(spiffe())) == "missing_claim"


@pytest.mark.parametrize("subject", [None, 1, [BILLING]])
def test_with_an_issuer_a_jwt_svid_still_needs_a_subject(subject: object) -> None:
    assert cause(svid(iss=DOMAIN, sub=subject), verifier(spiffe())) == "bad_subject"


def test_without_a_name_of_its_own_a_jwt_svid_is_named_by_what_was_signed(signature_checks: Count) -> None:
    guard = verifier(spiffe())
    text = svid()
    first = guard.verify(text)
    header_and_claims, _, signature = text.rpartition(".")
    r, s = forge.unb64(signature)[:32], int.from_bytes(forge.unb64(signature)[32:], "big")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    twin = f"{header_and_claims}.{forge.b64(r + (order - s).to_bytes(32, 'big'))}"
    assert guard.verify(twin).token_id == first.token_id
    assert signature_checks.value == 2
    assert first.token_id.startswith("sha256-")
    assert guard.verify(svid(iat=NOW_SECONDS - 1)).token_id != first.token_id
    assert guard.verify(svid(jti="own")).token_id == "own"


@pytest.mark.parametrize("name", ["chat_id", "authorization_details", "scope"])
def test_a_jwt_svid_does_not_choose_its_chats(name: str) -> None:
    for value in (-1, details(-1), "write", None, []):
        text = headed(CORP_KEY.sign({**json.loads(forge.unb64(svid().split(".")[1])), name: value}), typ="JWT")
        assert cause(text, verifier(spiffe())) == "bad_chat"


def test_what_narrows_a_jwt_svid_is_enforced_and_what_is_not_known_refused() -> None:
    guard = verifier(spiffe())
    assert str(guard.verify(svid(src_cidrs=["10.0.0.0/8"])).address_ranges) == "10.0.0.0/8"
    assert cause(svid(cnf={"jwk": {}}), guard) == "bad_confirmation"
    assert cause(svid(email="x"), guard) == "unknown_claim"
    assert cause(svid(exp=None), guard) == cause(svid(iat=None), guard) == "missing_claim"


def test_b3_9_a_jwt_svid_is_for_us_alone_unless_more_is_allowed() -> None:
    text = svid(aud=["other", AUDIENCE])
    assert cause(text, verifier(spiffe())) == "wrong_audience"
    assert verifier(spiffe(several_audiences=True)).verify(text).issuer == DOMAIN


def test_a_jwt_svid_may_name_its_issuer_and_then_that_one_counts() -> None:
    other = "https://oidc.corp.example"
    assert verifier(spiffe(issuer=other)).verify(svid(iss=other)).issuer == other
    assert cause(svid(iss=other), verifier(spiffe())) == "wrong_issuer"
    assert verifier(spiffe()).verify(svid(iss=DOMAIN)).issuer == DOMAIN


def test_a_token_without_issuer_opens_nothing_of_an_issuer_that_maps_no_chats() -> None:
    guard = verifier(trust(issuer=DOMAIN))
    claims = {name: value for name, value in CLAIMS.items() if name != "iss"}
    assert cause(CORP_KEY.sign({**claims, "sub": BILLING}), guard) == "missing_claim"


# --- keys that come and go


def test_an_unknown_key_is_asked_for_and_never_waited_for() -> None:
    asked: list[str] = []
    guard = verifier(
        trust(on_unknown_key=lambda: asked.append(CORP)),
        trust(LAB_KEY.verification_key, issuer=LAB, on_unknown_key=lambda: asked.append(LAB)),
    )
    assert cause(headed(corp(), kid="new"), guard) == "unknown_key"
    assert asked == [CORP]
    guard.verify(corp())
    cause(forge.with_header(kid="new"), guard)
    cause(headed(corp(), kid="../x"), guard)
    cause(headed(corp(iss="https://nobody.example"), kid="new"), guard)
    cause(headed(corp(), kid="new", typ="x"), guard)
    assert asked == [CORP]


def test_a_key_that_is_no_longer_published_opens_nothing_also_for_a_remembered_token() -> None:
    keys = KeySet([CORP_KEY.verification_key])
    guard = verifier(trust(keys))
    text = corp()
    guard.verify(text)
    keys.replace([LAB_KEY.verification_key])
    assert cause(text, guard) == "unknown_key"


def test_whether_a_key_is_still_good_is_asked_by_issuer_and_name() -> None:
    keys = KeySet([CORP_KEY.verification_key])
    guard = verifier(trust(keys))
    assert guard.trusts(CORP, CORP_KEY.kid)
    assert guard.trusts(ISSUER, KID)
    for issuer, kid in ((ISSUER, CORP_KEY.kid), (CORP, KID), ("https://nobody.example", KID), (CORP, "other")):
        assert not guard.trusts(issuer, kid)
    keys.replace([])
    assert not guard.trusts(CORP, CORP_KEY.kid)


def test_keys_that_are_too_old_open_nothing_and_the_caller_may_try_again(signature_checks: Count) -> None:
    stale = False
    guard = verifier(trust(is_stale=lambda: stale))
    text, later = corp(), corp(jti="later")
    guard.verify(text)
    stale = True
    for token in (text, later, headed(corp(), kid="new")):
        with pytest.raises(StateStale):
            guard.verify(token)
    assert signature_checks.value == 1
    assert guard.verify(forge.token()).issuer == ISSUER
    stale = False
    assert guard.verify(text).issuer == guard.verify(later).issuer == CORP


def test_our_own_keys_can_be_too_old_as_well() -> None:
    with pytest.raises(StateStale):
        forge.verifier(is_stale=lambda: True).verify(forge.token())
    assert forge.verifier(is_stale=lambda: False).verify(forge.token())
