"""The admin desk over a house, its door, and what an operator outside sees of it. Only the second factor is played."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import grpc

from chatkey.admin.v1 import (
    approval_service_pb2_grpc,
    audit_service_pb2_grpc,
    chat_registry_service_pb2_grpc,
    client_service_pb2_grpc,
    credential_service_pb2_grpc,
    key_service_pb2_grpc,
)
from gateway.access.approvals import Approvals
from gateway.access.failed_attempts import FailedAttempts
from gateway.access.key_ring import KeyRing, open_ring
from gateway.access.keys import KeySet
from gateway.access.operator_issue import OperatorIssuer
from gateway.access.operator_tokens import OperatorVerifier
from gateway.access.slow_lane import SlowLane
from gateway.audit import proof
from gateway.audit.sealer import Sealer
from gateway.audit.signing import Signer, open_signer
from gateway.desk.admin.audit import Audit
from gateway.desk.admin.chats import Chats
from gateway.desk.admin.clients import Clients
from gateway.desk.admin.credentials import Credentials
from gateway.desk.admin.desk import AdminDesk
from gateway.desk.admin.entrance import Entrance
from gateway.desk.admin.functions import Ask
from gateway.desk.admin.keys import Keys
from gateway.desk.admin.rooms import SeenChat
from gateway.desk.admin.second_persons import SecondPersons
from gateway.errors import StepUpRequired
from gateway.model import Origin
from gateway.operators import AdminRight
from gateway.rpc.admin.door import open_admin_door
from gateway.rpc.server import Door
from tests.support import canary
from tests.support.open_door import CountedCalls
from tests.support.open_house import AUDIENCE, ISSUER, KEY, House, issuer_of, open_house

ADMIN_AUDIENCE = f"{AUDIENCE}/admin"
CODE = "314159"
ALL = frozenset(AdminRight)


@dataclass
class PlayedSecondFactor:
    """Takes one code, each time; remembers what it was asked for."""

    asked: list[tuple[str, str, bytes]] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)

    async def require(
        self,
        operator: str,
        method: str,
        request: bytes,
        *,
        one_time_code: str | None,
        auth_time: datetime | None,
        has_certificate: bool,
        approval_id: str | None,
        parameters: str,
    ) -> None:
        self.asked.append((operator, method, request))
        self.last = {"auth_time": auth_time, "has_certificate": has_certificate, "approval_id": approval_id}
        if one_time_code != CODE:
            raise StepUpRequired("wrong_code")


@dataclass
class Offices:
    """The admin desk over a house."""

    house: House
    desk: AdminDesk
    second_factor: PlayedSecondFactor
    ring: KeyRing
    signer: Signer
    seen: list[SeenChat]

    def token(self, *rights: AdminRight, name: str = "alice", thumbprint: str = "") -> str:
        """Issue an operator's token, with all rights if none is named."""
        issuer = OperatorIssuer(
            KEY, issuer=ISSUER, audience=ADMIN_AUDIENCE, clock=self.house.clock, random_bytes=os.urandom
        )
        return canary.watch(issuer.mint(name, rights or ALL, certificate_thumbprint=thumbprint).token)

    def ask(self, *rights: AdminRight, code: str | None = CODE, name: str = "alice") -> Ask:
        """Return a call of an operator that was let in."""
        operator = self.desk.entrance.authenticate([f"Bearer {self.token(*rights, name=name)}"], Origin(address="::1"))
        return Ask(operator=operator, request=b"request", one_time_code=code)

    async def seal(self) -> None:
        """Seal the audit log, with a checkpoint."""
        store = self.house.store
        sealer = Sealer(store, store.seals, self.signer, self.house.clock, lambda: "chain")
        await sealer.seal(checkpoint=True)

    async def done_by(self, by: str = "operator:alice") -> list[tuple[str, str]]:
        """Return event and decision of what the audit log has of somebody, oldest first."""
        await self.house.ledger.flush()
        records = [record for _, record in await self.house.store.records(limit=1000)]
        return [(record.event, record.decision) for record in records if record.facts.get("by") == by]


@asynccontextmanager
async def open_offices(folder: Path, house: House | None = None, **changes: Any) -> AsyncIterator[Offices]:
    if house is None:
        async with open_house() as opened, open_offices(folder, opened, **changes) as offices:
            yield offices
        return
    store, clock = house.store, house.clock
    keys, second_factor, signer = KeySet([KEY.verification_key]), PlayedSecondFactor(), open_signer(folder)
    seen: list[SeenChat] = []
    ring = open_ring(folder)
    entrance = Entrance(
        verifier=OperatorVerifier(keys, issuer=ISSUER, audience=ADMIN_AUDIENCE, clock=clock),
        registry=changes.get("registry") or house.registry,
        second_factor=second_factor,
        own_factor=second_factor,
        ledger=house.ledger,
        log=store,
        failures=changes.get("failures") or FailedAttempts(clock, 0),
        lane=changes.get("lane") or SlowLane(clock),
        clock=clock,
        allowed_addresses=changes.get("allowed_addresses"),
        recheck=timedelta(milliseconds=20),
        calls_per_minute=changes.get("calls_per_minute", 600),
    )

    async def prove(expected: Mapping[int, bytes]) -> proof.Verdict:
        return await proof.verify(store, store.seals, [signer.public], expected)

    async def discover() -> Sequence[SeenChat]:
        return seen

    has_keys = changes.get("has_keys", True)
    desk = AdminDesk(
        entrance=entrance,
        credentials=Credentials(
            entrance,
            store.registry,
            clock,
            own_issuer=ISSUER,
            issuer=issuer_of(clock) if has_keys else None,
            verifier=house.verifier,
            trusts=lambda key_id: keys.find(key_id) is not None,
        ),
        keys=Keys(
            entrance,
            store,
            clock,
            ring=ring if has_keys else None,
            jwks=keys.jwks,
            token_lifetime=timedelta(hours=24),
        ),
        clients=Clients(entrance, store.registry, clock),
        chats=Chats(entrance, store.registry, store.chats, clock, discover=discover),
        audit=Audit(entrance, store, prove=prove, poll=timedelta(milliseconds=10)),
        second_persons=SecondPersons(entrance, Approvals(store.second_factors, clock, lambda: "approval-1")),
    )
    yield Offices(house, desk, second_factor, ring, signer, seen)


@dataclass
class OutsideOffices:
    """An operator's view of the admin door."""

    offices: Offices
    door: Door
    channel: grpc.aio.Channel
    metrics: CountedCalls

    @property
    def credentials(self) -> Any:
        return credential_service_pb2_grpc.CredentialServiceStub(self.channel)

    @property
    def keys(self) -> Any:
        return key_service_pb2_grpc.KeyServiceStub(self.channel)

    @property
    def clients(self) -> Any:
        return client_service_pb2_grpc.ClientServiceStub(self.channel)

    @property
    def chats(self) -> Any:
        return chat_registry_service_pb2_grpc.ChatRegistryServiceStub(self.channel)

    @property
    def approvals(self) -> Any:
        return approval_service_pb2_grpc.ApprovalServiceStub(self.channel)

    @property
    def audit(self) -> Any:
        return audit_service_pb2_grpc.AuditServiceStub(self.channel)

    def bearer(
        self, *more: tuple[str, str], rights: Collection[AdminRight] = ALL, name: str = "alice"
    ) -> Sequence[tuple[str, str]]:
        return (("authorization", f"Bearer {self.offices.token(*rights, name=name)}"), *more)

    def meant(self, *more: tuple[str, str], rights: Collection[AdminRight] = ALL) -> Sequence[tuple[str, str]]:
        """Return the metadata of a call that a second factor confirms."""
        return self.bearer(("x-chatkey-otp", CODE), *more, rights=rights)


@asynccontextmanager
async def outside_offices(offices: Offices, **door_options: Any) -> AsyncIterator[OutsideOffices]:
    """Open a door of operators on a free port, and a channel to it."""
    ids, metrics = count(1), CountedCalls()
    async with open_admin_door(
        offices.desk,
        listen="127.0.0.1:0",
        clock=offices.house.clock,
        new_id=lambda: f"admin-{next(ids)}",
        metrics=metrics,
        **door_options,
    ) as door:
        door.set_serving(True)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{door.port}") as channel:
            yield OutsideOffices(offices, door, channel, metrics)
