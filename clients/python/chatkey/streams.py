"""The methods that have many answers, as what of them outlives a broken call."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Any, Generic, TypeVar

import grpc

from chatkey.answers import change_from, outcome_from
from chatkey.arrivals import update_from
from chatkey.calls import Metadata, Stubs
from chatkey.errors import ChatkeyError
from chatkey.many import AsyncBacklog, Backlog
from chatkey.messages import Change, Message
from chatkey.refusals import FailedCall, error_from
from chatkey.updates import Update, UpdateKind
from chatkey.v1 import messaging_gateway_pb2 as wire
from chatkey.v1.update_service_pb2 import StreamUpdatesRequest, StreamUpdatesResponse

_Result = TypeVar("_Result")


class Stream(ABC, Generic[_Result]):
    """A call that is made again, for ever, and goes on where it broke."""

    @abstractmethod
    def begin(self, stubs: Stubs, metadata: Metadata) -> Any:
        """Make one attempt: the answers, as an iterator of the kind that belongs to the channel."""

    @abstractmethod
    def take(self, answer: Any) -> _Result | None:
        """Note where the call is, and return what its user is told of the answer, if it is told of it."""

    def done(self) -> bool:
        """Return whether nothing is left to come."""
        return False

    def broken(self, failed: FailedCall) -> ChatkeyError:
        """Return the error that has ended an attempt."""
        return error_from(failed)


class Watching(Stream[Change]):
    """The changes of messages."""

    def __init__(self, resume_token: str) -> None:
        """Begin after `resume_token`; empty: now."""
        self._resume_token = resume_token

    def begin(self, stubs: Stubs, metadata: Metadata) -> Any:
        """Follow what comes after the last answer."""
        request = wire.WatchMessagesRequest(resume_token=self._resume_token)
        return stubs.messaging.WatchMessages(request, metadata=metadata)

    def take(self, answer: wire.WatchMessagesResponse) -> Change | None:
        """Return the change; some answers only move the place to go on from."""
        self._resume_token = answer.resume_token
        return change_from(answer) if answer.HasField("message") else None


class Following(Stream[Update]):
    """What happens in chats."""

    def __init__(
        self, cursor: str, from_oldest: bool, chat_ids: Collection[int], kinds: Collection[UpdateKind]
    ) -> None:
        """Begin after `cursor`; empty: now, or with the oldest; raises `ValueError`."""
        self._request = StreamUpdatesRequest(
            cursor=cursor,
            from_oldest=from_oldest,
            chat_ids=chat_ids,
            kinds=[f"UPDATE_KIND_{UpdateKind(kind).value}" for kind in kinds],
        )

    def begin(self, stubs: Stubs, metadata: Metadata) -> Any:
        """Follow what comes after the last answer."""
        return stubs.updates.StreamUpdates(self._request, metadata=metadata)

    def take(self, answer: StreamUpdatesResponse) -> Update | None:
        """Return the update; some answers only move the place to go on from."""
        self._request.cursor = answer.cursor
        self._request.from_oldest = False
        return update_from(answer) if answer.HasField("update") else None


class Sending(Stream[Message | ChatkeyError]):
    """The outcomes of many messages."""

    def __init__(self, backlog: Backlog | AsyncBacklog) -> None:
        """Send what is in the backlog, and what comes into it."""
        self._backlog = backlog

    def begin(self, stubs: Stubs, metadata: Metadata) -> Any:
        """Send from the first message without an answer."""
        requests: Any = self._backlog.requests()
        return stubs.messaging.SendMessages(requests, metadata=metadata)

    def take(self, answer: wire.SendMessagesResponse) -> Message | ChatkeyError:
        """Return what became of the first message without an answer."""
        return outcome_from(answer, self._backlog.answered())

    def done(self) -> bool:
        """Return whether every message has its answer; raises what their source has raised."""
        return self._backlog.done()

    def broken(self, failed: FailedCall) -> ChatkeyError:
        """Return the error, which is worth another attempt where gRPC hides what it was."""
        error = super().broken(failed)
        # To grpc.aio a write that meets the end of its call is an internal error, which hides the status that came.
        if isinstance(failed, grpc.aio.AioRpcError) and error.code is grpc.StatusCode.INTERNAL and not error.reason:
            error.retriable = True
        return error
