from __future__ import annotations

import pytest

from gateway.errors import Unauthenticated
from gateway.rpc.call import Call


def test_a_call_that_was_let_in_without_a_credential_has_no_caller() -> None:
    with pytest.raises(Unauthenticated):
        Call(id="c", method="/a/b", known_method="unknown", started=0.0).require_caller()
