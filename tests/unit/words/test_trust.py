"""`[[trusted_issuers]]` is complete or refused, and what is refused is said in one line that names the entry."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.access import claims
from gateway.access.keys import ALGORITHMS as READABLE
from gateway.config import describe, load
from gateway.errors import ConfigInvalid
from gateway.model import Permission
from gateway.trust import ALGORITHMS, NEVER_IGNORED_CLAIMS, TrustedIssuer

SMALL = """
[[trusted_issuers]]
issuer = "https://login.corp.example"
audience = "chatkey/prod"
jwks_url = "https://login.corp.example/jwks"
subjects = ["svc:billing", "team-a:*"]
chats = [-1001]
"""

MAPPED = """
[[trusted_issuers]]
issuer = "spiffe://corp.example"
audience = "chatkey/prod"
jwks_file = "/run/bundle.json"
token_types = ["JWT", "JOSE", ""]

  [[trusted_issuers.chat_mapping]]
  subject = "spiffe://corp.example/billing"
  chat_id = -1001
  actions = ["write", "read"]
"""


def read(folder: Path, text: str) -> tuple[TrustedIssuer, ...]:
    (folder / "chatkey.toml").write_text(text)
    return load({}, folder).trusted_issuers


def refused(folder: Path, text: str) -> str:
    with pytest.raises(ConfigInvalid) as caught:
        read(folder, text)
    said = str(caught.value)
    assert "\n" not in said
    assert "chatkey.toml" in said or "is our own issuer" in said
    return said


def test_what_is_not_given_is_strict(tmp_path: Path) -> None:
    (issuer,) = read(tmp_path, SMALL)
    assert issuer.algorithms == ("ES256", "EdDSA")
    assert issuer.token_types == {"at+jwt", "JWT"}
    assert issuer.ignored_claims == issuer.ignored_header_members == frozenset()
    assert not issuer.several_audiences
    assert not issuer.jwks_networks
    assert (issuer.chats, issuer.subjects) == ({-1001}, ("svc:billing", "team-a:*"))


def test_everything_can_be_given(tmp_path: Path) -> None:
    first, second = read(
        tmp_path,
        SMALL
        + """
algorithms = ["RS256", "PS256"]
max_lifetime = "2h"
several_audiences = true
ignored_claims = ["azp"]
ignored_header_members = ["x-env"]
jwks_ca_file = "/etc/ca.pem"
jwks_networks = ["10.0.0.0/8"]
"""
        + MAPPED,
    )
    assert first.algorithms == ("RS256", "PS256")
    assert first.max_lifetime == timedelta(hours=2)
    assert "10.1.2.3" in first.jwks_networks
    (mapped,) = second.chat_mapping
    assert (mapped.chat_id, mapped.actions) == (-1001, {Permission.WRITE, Permission.READ})
    assert second.token_types == {"JWT", "JOSE", ""}


def test_every_chat_has_to_be_asked_for(tmp_path: Path) -> None:
    (issuer,) = read(tmp_path, SMALL.replace("[-1001]", '["*"]'))
    assert issuer.chats is None


def test_the_printed_configuration_names_the_issuers(tmp_path: Path) -> None:
    (tmp_path / "chatkey.toml").write_text(SMALL + MAPPED)
    rows = {name: value for name, value, _ in describe(load({}, tmp_path))}
    assert rows["CHATKEY_TRUSTED_ISSUERS"] == "https://login.corp.example, spiffe://corp.example"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('colour = "red"', "`colour` is not a setting of an issuer"),
        ("several_audiences = 1", "`several_audiences` must be true or false"),
        ('algorithms = ["HS256"]', "`algorithms` must be a list of ES256"),
        ('algorithms = ["none"]', "`algorithms` must be"),
        ('algorithms = ["es256"]', "`algorithms` must be"),
        ("algorithms = []", "`algorithms` must be"),
        ('algorithms = "ES256"', "`algorithms` must be"),
        ('algorithms = ["ES256", "ES256"]', "`algorithms` must be a list of distinct"),
        ('max_lifetime = "33d"', "`max_lifetime` must be at most 32d"),
        ("max_lifetime = 3600", "`max_lifetime` must be a text"),
        ('max_lifetime = "1 hour"', "`max_lifetime` must be a number and a unit"),
        ('token_types = "JWT"', "`token_types` must be a list"),
        ("token_types = []", "`token_types` must be a list"),
        ('ignored_header_members = ["x", "crit"]', "`ignored_header_members` must be a list without crit"),
        ('ignored_header_members = ["jku"]', "without jku"),
        ('ignored_header_members = ["x5t#S256"]', "without x5t#S256"),
        ('ignored_claims = ["cnf"]', "`ignored_claims` must be a list without cnf"),
        ('ignored_claims = ["chat_id", "azp"]', "without chat_id"),
        ('ignored_claims = [""]', "none of them empty"),
        ('jwks_networks = ["10.0.0.1/8"]', "`jwks_networks` must be a list of ranges"),
        ("jwks_networks = [10]", "`jwks_networks` must be a list of ranges"),
        ('jwks_file = "/x"', "set one of `jwks_file` and `jwks_url`"),
        ('jwks_file = ""', "`jwks_file` must be a text that is not empty"),
        ("chat_mapping = []", "`chat_mapping` must be a list of tables"),
        ('chat_mapping = ["x"]', "`chat_mapping` must be a list of tables"),
        ('chat_mapping = [{subject="a", chat_id=1, actions=["write"], x=1}]', "and nothing else"),
        ('chat_mapping = [{subject="a", chat_id=1}]', "and nothing else"),
        ('chat_mapping = [{subject="a", chat_id=0, actions=["write"]}]', "the id of a chat"),
        ('chat_mapping = [{subject="a", chat_id=true, actions=["write"]}]', "the id of a chat"),
        ('chat_mapping = [{subject="a", chat_id=1, actions=["admin"]}]', "`actions` are of write, read, moderate"),
        ('chat_mapping = [{subject="a", chat_id=1, actions=[]}]', "actions"),
        ('chat_mapping = [{subject="a*b", chat_id=1, actions=["write"]}]', "`*` at its end only"),
        ('chat_mapping = [{subject="a", chat_id=1, actions=["write"]}]', "leave out `subjects` and `chats`"),
    ],
)
def test_a_line_that_is_wrong_is_refused(tmp_path: Path, line: str, complaint: str) -> None:
    said = refused(tmp_path, f"{SMALL}{line}\n")
    assert complaint in said
    assert "entry 1" in said


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ('issuer = "https://login.corp.example"', "", "`issuer` is missing"),
        ('audience = "chatkey/prod"', "", "`audience` is missing"),
        ('"chatkey/prod"', '" "', "`audience` must be a text that is not empty"),
        ("chats = [-1001]", "", "set `subjects` and `chats`"),
        ('subjects = ["svc:billing", "team-a:*"]', "", "set `subjects` and `chats`"),
        ("[-1001]", "[]", "`chats` must be a list of chat ids"),
        ("[-1001]", '["*", -1001]', "`chats` must be"),
        ("[-1001]", '"*"', "`chats` must be"),
        ("[-1001]", "[-1001.0]", "`chats` must be"),
        ("[-1001]", "[true]", "`chats` must be"),
        ("[-1001]", "[0]", "`chats` must be"),
        ("team-a:*", "*:a", "`subjects` must be a text with `*` at its end only"),
        ('["svc:billing", "team-a:*"]', "[]", "`subjects` must be a list"),
        ('jwks_url = "https://login.corp.example/jwks"', "", "set one of `jwks_file` and `jwks_url`"),
        ("https://login.corp.example/jwks", "http://login.corp.example/jwks", "`jwks_url` must be an https://"),
        ("https://login.corp.example/jwks", "file:///etc/passwd", "`jwks_url` must be"),
        ("https://login.corp.example/jwks", "https:///jwks", "`jwks_url` must be"),
        ("https://login.corp.example/jwks", "https://u:p@host/jwks", "`jwks_url` must be"),
        ("https://login.corp.example/jwks", "https://host/jwks#x", "`jwks_url` must be"),
        ("https://login.corp.example/jwks", "https://host:0/jwks", "`jwks_url` must be"),
        ("https://login.corp.example/jwks", "https://host:x/jwks", "`jwks_url` must be"),
        ("https://login.corp.example/jwks", "https://host:99999/jwks", "`jwks_url` must be"),
        ("https://login.corp.example/jwks", "https://\uff11\uff12\uff17.0.0.1/jwks", "in ASCII"),
        ("https://login.corp.example/jwks", "https://host/\\njwks", "`jwks_url` must be"),
        (
            'jwks_url = "https://login.corp.example/jwks"',
            'jwks_file = "/x"\njwks_ca_file = "/y"',
            "`jwks_ca_file` and `jwks_networks` are for `jwks_url` only",
        ),
        ("[[trusted_issuers]]", "[trusted_issuers]", "write [[trusted_issuers]] above each"),
    ],
)
def test_an_entry_that_is_incomplete_or_reaches_too_far_is_refused(
    tmp_path: Path, before: str, after: str, complaint: str
) -> None:
    assert before in SMALL
    assert complaint in refused(tmp_path, SMALL.replace(before, after))


def test_an_issuer_is_there_once_and_is_not_ourselves(tmp_path: Path) -> None:
    assert "is there twice" in refused(tmp_path, SMALL + MAPPED + SMALL)
    assert "is our own issuer" in refused(tmp_path, 'issuer = "https://login.corp.example"\n' + SMALL)


def test_the_table_is_in_the_file_only(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match=r"in `chatkey\.toml` only"):
        load({"CHATKEY_TRUSTED_ISSUERS": "x"}, tmp_path)


def test_the_words_are_those_of_the_room_that_acts_on_them() -> None:
    assert set(ALGORITHMS) == set(READABLE)
    assert claims.KNOWN <= NEVER_IGNORED_CLAIMS
