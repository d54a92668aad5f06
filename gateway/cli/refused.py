"""What a caller is told in one line when a gateway refuses its call, or does not answer."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gateway.model import Permission


def told(error: Exception, needed: Permission) -> click.ClickException:
    """Say what went wrong, and what to do where it can be known.

    Args:
        error: A `ChatkeyError`, or the `ValueError` of an argument.
        needed: The permission without which the call is refused.
    """
    from chatkey import PermissionDenied, StepUpRequired, Unauthenticated, Unavailable
    from chatkey.connection import DEFAULT_ADDRESS

    if isinstance(error, Unavailable) and not error.reason:  # A gateway gives one; a connection that failed does not.
        address = os.environ.get("CHATKEY_ADDRESS") or DEFAULT_ADDRESS
        said = f"no gateway answers at {address}: start it (`chatkey serve`), or set CHATKEY_ADDRESS. {error}"
    elif isinstance(error, PermissionDenied) and not isinstance(error, StepUpRequired):
        why = "what is in the way: `chatkey audit search --decision deny`"
        said = f"{error}: the key has to open that chat for `{needed.value}`; {why}"
    elif isinstance(error, Unauthenticated):
        said = f"{error}: get a new key (`chatkey token issue`)"
    else:
        said = str(error)
    return click.ClickException(said)
