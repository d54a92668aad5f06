"""What another operator asked for, and a second person approves."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.access.approvals import Approvals
from gateway.access.soundness import require_name
from gateway.desk.admin.entrance import Entrance
from gateway.desk.admin.functions import Ask, Function
from gateway.store.second_factors import Approval


class SecondPersons:
    """The verbs of approvals."""

    def __init__(self, entrance: Entrance, approvals: Approvals) -> None:
        """Keep the rooms."""
        self._entrance = entrance
        self._approvals = approvals

    async def pending(self, ask: Ask) -> Sequence[Approval]:
        """Return the requests that wait for an approval, the first one first."""
        await self._entrance.begin(ask, Function.LIST_APPROVALS)
        return await self._approvals.pending()

    async def approve(self, ask: Ask, approval_id: str) -> Approval:
        """Approve a request of another operator; raises as `Approvals.approve`."""
        await self._entrance.begin(ask, Function.GIVE_APPROVAL, lambda: require_name("approval_id", approval_id))
        return await self._approvals.approve(ask.operator.name, approval_id)
