from __future__ import annotations

from typing import Any

import pytest
from jwt.algorithms import ECAlgorithm


class Count:
    """How often something was done."""

    def __init__(self) -> None:
        self.value = 0


@pytest.fixture
def signature_checks(monkeypatch: pytest.MonkeyPatch) -> Count:
    """Counts the signatures that PyJWT checks; each is checked for real."""
    count = Count()
    verify = ECAlgorithm.verify

    def counted(self: ECAlgorithm, msg: bytes, key: Any, sig: bytes) -> bool:
        count.value += 1
        return verify(self, msg, key, sig)

    monkeypatch.setattr(ECAlgorithm, "verify", counted)
    return count
