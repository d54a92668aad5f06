"""The admin desk: administration as plain Python. Every door of operators asks here, so that none can forget a rule."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.desk.admin.audit import Audit
from gateway.desk.admin.chats import Chats
from gateway.desk.admin.clients import Clients
from gateway.desk.admin.credentials import Credentials
from gateway.desk.admin.entrance import Entrance
from gateway.desk.admin.keys import Keys
from gateway.desk.admin.second_persons import SecondPersons


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminDesk:
    """What an operator may ask for. Each verb begins with `entrance.begin`, and none does anything before it."""

    entrance: Entrance
    credentials: Credentials
    keys: Keys
    clients: Clients
    chats: Chats
    audit: Audit
    second_persons: SecondPersons
