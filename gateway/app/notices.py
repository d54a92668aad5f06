"""What is told in the log of what the rooms notice."""

from __future__ import annotations

from gateway.model import Caller
from gateway.store.seals import Checkpoint
from gateway.telemetry import logger

_log = logger(__name__)


def tell_tainted(caller: Caller) -> None:
    _log.warning(
        "token.tainted_key",
        client=caller.client,
        token_id=caller.token_id,
        key_id=caller.key_id,
        meaning="Give this client a new token before the key is revoked.",
    )


def tell_deposed() -> None:
    _log.error(
        "delivery.deposed",
        meaning="Another gateway took over, as this one was not heard of in time. This one ends: start it anew.",
    )


def tell_checkpoint(checkpoint: Checkpoint) -> None:
    """Put a checkpoint where whoever may write the database can't reach it: into the log, which goes elsewhere."""
    _log.info(
        "audit.checkpoint",
        number=checkpoint.number,
        # Two fields, which `chatkey audit verify --expect SEQ:LINK` takes as one: together they look like a bot token.
        seq=checkpoint.seq,
        link=checkpoint.link.hex(),
        key_id=checkpoint.key_id,
        signature=checkpoint.signature.hex(),
    )


def tell_not_alerted(why: str) -> None:
    _log.warning("alert.not_sent", why=why, meaning="It is told of later, with its count. The audit log has it.")


def tell_not_archived(why: str) -> None:
    _log.error("audit.not_archived", why=why, meaning="The audit log stays in the database; nothing of it is lost.")
