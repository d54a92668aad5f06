"""Whoever sends or receives is told in one line what to do about a refusal, or about nobody being there."""

from __future__ import annotations

import pytest

from chatkey.errors import (
    ChatkeyError,
    InvalidRequest,
    NotDurable,
    PermissionDenied,
    StepUpRequired,
    TokenExpired,
    Unauthenticated,
    Unavailable,
)
from gateway.cli import receive
from gateway.cli.main import main
from gateway.cli.refused import told
from gateway.model import Permission
from tests.support.ports import free_port


def refused(kind: type[ChatkeyError], reason: str = "") -> ChatkeyError:
    error = kind("refused")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (refused(Unauthenticated, "UNAUTHENTICATED"), "refused: get a new key (`chatkey token issue`)"),
        (refused(TokenExpired, "TOKEN_EXPIRED"), "refused: get a new key (`chatkey token issue`)"),
        (
            refused(PermissionDenied, "PERMISSION_DENIED"),
            "refused: the key has to open that chat for `read`; "
            "what is in the way: `chatkey audit search --decision deny`",
        ),
        (refused(StepUpRequired, "STEP_UP_REQUIRED"), "refused"),
        (refused(NotDurable, "NOT_DURABLE"), "refused"),
        (refused(InvalidRequest, "INVALID_REQUEST"), "refused"),
        (ValueError("wrong"), "wrong"),
        (
            refused(Unavailable),
            "no gateway answers at 127.0.0.1:1: start it (`chatkey serve`), or set CHATKEY_ADDRESS. refused",
        ),
    ],
)
def test_what_to_do_is_said(error: Exception, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATKEY_ADDRESS", "127.0.0.1:1")
    assert told(error, Permission.READ).message == line


def test_whoever_would_receive_where_no_gateway_is_does_not_wait_for_ever(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("CHATKEY_ADDRESS", address)
    monkeypatch.setenv("CHATKEY_TOKEN", "a.b.c")
    monkeypatch.setattr(receive, "PATIENCE", 0.5)
    with pytest.raises(SystemExit) as ended:
        main(["receive"])
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith(f"chatkey: no gateway answers at {address}: start it (`chatkey serve`)")
