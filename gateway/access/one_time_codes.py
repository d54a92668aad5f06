"""Codes of an authenticator app (TOTP, RFC 6238): six digits, another every 30 seconds, each good once.

SHA-1, as every app takes it: what is asked of the hash here is that nobody computes a code without the secret.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum

import pyotp
from pyotp.utils import strings_equal

from gateway.store.second_factors import Authenticator

STEP_S = 30
DRIFT = 1
"""How many steps an app's clock may be off, either way."""
MOST_FAILURES = 5
"""So many wrong codes in a row lock the authenticator."""
LOCK = timedelta(minutes=15)
SECRET_LENGTH = 32
"""Characters of base32: 160 bits, as RFC 4226 recommends."""

_CODE = re.compile(r"[0-9]{6}", re.ASCII)


class Verdict(Enum):
    """What a code is; the value is its cause in the audit log."""

    GOOD = "second_factor_good"
    WRONG = "second_factor_wrong"
    USED = "second_factor_used"
    LOCKED = "second_factor_locked"


def judged(kept: Authenticator, code: str, now: datetime) -> tuple[Verdict, Authenticator]:
    """Return what a code is, and what is to be kept of the authenticator after it.

    A locked one stays as it is, whatever the code: whoever guesses learns nothing, and locks it no longer.
    """
    if kept.locked_until is not None and now < kept.locked_until:
        return Verdict.LOCKED, kept
    step = _step_of(kept.secret, code, now)
    if step is not None and step > kept.last_step:
        return Verdict.GOOD, replace(kept, last_step=step, failures=0, locked_until=None)
    failures = kept.failures + 1
    if failures < MOST_FAILURES:
        return _bad(step), replace(kept, failures=failures)
    return _bad(step), replace(kept, failures=0, locked_until=now + LOCK)


def uri_of(operator: str, secret: str, issuer: str) -> str:
    """Return what a QR code says to an app (the `otpauth` form that Google Authenticator began)."""
    return pyotp.TOTP(secret, interval=STEP_S).provisioning_uri(name=operator, issuer_name=issuer)


def _bad(step: int | None) -> Verdict:
    return Verdict.WRONG if step is None else Verdict.USED


def _step_of(secret: str, code: str, now: datetime) -> int | None:
    """Return the step that a code is of; None: of none that is near."""
    if _CODE.fullmatch(code) is None:
        return None
    present = int(now.timestamp()) // STEP_S
    app = pyotp.TOTP(secret, interval=STEP_S)
    found = None
    # All are compared, each in constant time: how long it takes says nothing of which was close.
    for step in range(present - DRIFT, present + DRIFT + 1):
        if strings_equal(app.generate_otp(step), code):
            found = step
    return found
