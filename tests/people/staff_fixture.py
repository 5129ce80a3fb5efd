"""People for tests: a node with its first two administrators, and acting as someone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tidegate.db.transaction import MACHINE, Actor, ActorKind, Database
from tidegate.kernel.ids import ProposalId, StaffId
from tidegate.people import steps
from tidegate.people.model import ProposalApproved, ProposalKind, Role


class HandClock(Protocol):
    """A clock that stands where it was put."""

    now: datetime


def as_staff(staff: StaffId) -> Actor:
    return Actor(ActorKind.STAFF, staff)


@dataclass(frozen=True)
class Node:
    """A node with two administrators."""

    database: Database
    ada: StaffId
    ben: StaffId

    async def add(self, name: str, *roles: Role) -> StaffId:
        """Add someone with these roles, proposed by the one administrator and approved by the other."""
        async with self.database.transaction(as_staff(self.ada)) as tx:
            staff = await steps.add_staff(tx, name)
        for role in roles:
            await self.change(ProposalKind.ROLE_GRANT, staff=staff, role=role)
        return staff

    async def change(
        self, kind: ProposalKind, *, staff: StaffId | None = None, role: Role | None = None
    ) -> ProposalApproved:
        return await self.approve(self.ben, await self.propose(self.ada, kind, staff=staff, role=role))

    async def propose(
        self, by: StaffId, kind: ProposalKind, *, staff: StaffId | None = None, role: Role | None = None
    ) -> ProposalId:
        async with self.database.transaction(as_staff(by)) as tx:
            return await steps.propose(tx, kind, staff=staff, role=role)

    async def approve(self, by: StaffId, proposal: ProposalId) -> ProposalApproved:
        async with self.database.transaction(as_staff(by)) as tx:
            return await steps.approve(tx, proposal)


async def start_node(database: Database) -> Node:
    async with database.transaction(MACHINE) as tx:
        ada = await steps.bootstrap(tx, "Ada Example")
    async with database.transaction(as_staff(ada)) as tx:
        ben = await steps.add_staff(tx, "Ben Example")
        await steps.bootstrap_second(tx, ben)
    return Node(database, ada, ben)
