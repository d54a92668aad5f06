"""Tells whether two requests ask for the same message."""

from __future__ import annotations

import hashlib
from dataclasses import MISSING, fields
from datetime import timedelta

import orjson

from gateway.model import Draft

_DEFAULTS = tuple((field.name, field.default) for field in fields(Draft))


def fingerprint_of(draft: Draft) -> bytes:
    """Return the SHA-256 of what the draft asks for, as it was asked.

    A field that has its default is left out, so that a field which a later version adds changes no fingerprint that
    is already kept.
    """
    asked = {
        name: value for name, default in _DEFAULTS if (value := getattr(draft, name)) != default or default is MISSING
    }
    return hashlib.sha256(orjson.dumps(asked, default=_microseconds, option=orjson.OPT_SORT_KEYS)).digest()


def _microseconds(value: object) -> int:
    if not isinstance(value, timedelta):
        raise TypeError(f"{type(value)} has no canonical form")
    return value // timedelta(microseconds=1)
