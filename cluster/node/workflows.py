"""The workflows as this node runs them: each create, join or leave is a task, one at a time; peers ask for additions.

Ties `cluster/workflow/` to the task runner, the real host and the real peers. What the steps are is theirs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from cluster.control.check_requests import CheckJoin
from cluster.control.former_requests import UndoJoin
from cluster.control.peer import Peer
from cluster.control.plan_requests import Rename
from cluster.control.requests import (
    AddNode,
    CreateCluster,
    JoinCluster,
    LeaveCluster,
    RemoveNode,
    UndoAddNode,
    UndoRemoval,
    as_plain,
)
from cluster.control.token_requests import TokenAdd
from cluster.errors import Conflict, NoQuorum, NotInCluster, QuireError
from cluster.model import Link
from cluster.node.options import Options
from cluster.node.tasks import TaskContext, TaskRunner
from cluster.workflow.add_node import AddedNode, Additions
from cluster.workflow.clock import SystemClock
from cluster.workflow.create import CreatePlan, create, foretell_create, plan_create
from cluster.workflow.foretelling import Foretold
from cluster.workflow.former import JoinMemory
from cluster.workflow.host import Host
from cluster.workflow.join import foretell_join, join
from cluster.workflow.join_plan import JoinPlan, plan_join
from cluster.workflow.join_tokens import JoinToken, JoinTokens
from cluster.workflow.journal import Journal
from cluster.workflow.leave import foretell_leave, leave, undo_join
from cluster.workflow.remove_node import read_plan, remove_node
from cluster.workflow.rename import foretell_rename, plan_rename, rename
from cluster.workflow.resume import resume_or_undo
from cluster.workflow.tombstone import UNDO_S
from cluster.workflow.undo_removal import foretell_undo, removed_nodes, undo_removal

WATCH_EVERY_S = 1.0
RESUME_AGAIN_S = 30.0  # between tries to tell a peer what it could not be told before
CHECKED_NAME = "checked"  # a check of links has no name for the cluster yet
BUSY = "This node is creating, joining or leaving a cluster right now. Wait for that task to end."

Planned = CreateCluster | JoinCluster | LeaveCluster | AddNode | Rename

log = logging.getLogger(__name__)


class Workflows:
    """`busy` while one of this node's own workflows is changing what the node is."""

    def __init__(self, options: Options, host: Host, tasks: TaskRunner) -> None:
        self.busy = False
        self._options, self._host, self._tasks = options, host, tasks
        self._clock = SystemClock()
        self._journal = Journal(options.journal)
        self._memory = JoinMemory(options.state_dir / "joined.json", options.backup_dir)
        self._additions = Additions(host, options.state_dir / "pending.json", self._clock)

    # --- asked by this node's own users -----------------------------------------------------------------------------

    def create(self, request: CreateCluster) -> str:
        """Check the values and begin; returns the task's UPID. Raises InvalidInput, Conflict, Busy."""
        plan = self._created(request)

        async def work(context: TaskContext) -> None:
            await create(self._host, plan, self._journal, context, self._clock)

        return self._begin("clustercreate", plan.cluster_name, request.user, work)

    def join(self, request: JoinCluster) -> str:
        """As `create`."""
        plan = self._joined(request)

        async def work(context: TaskContext) -> None:
            await join(self._host, plan, self.peer, self._memory, self._journal, context, self._clock)

        return self._begin("clusterjoin", "", request.user, work)

    def leave(self, request: LeaveCluster) -> str:
        """As `create`."""

        async def work(context: TaskContext) -> None:
            await leave(self._host, request.force, self._journal, context, self._clock, request.even_if_alive)

        return self._begin("clusterleave", "", request.user, work)

    async def foretell(self, asked: Planned) -> Foretold:
        """What that request's workflow would do. Raises InvalidInput as it does."""
        if self.busy:
            return Foretold((), obstacle=BUSY)
        if isinstance(asked, CreateCluster):
            return await foretell_create(self._host, self._created(asked), asked.user, self._clock)
        if isinstance(asked, JoinCluster):
            return await foretell_join(self._host, self._joined(asked), self.peer, asked.user, self._clock)
        if isinstance(asked, LeaveCluster):
            return await foretell_leave(self._host, asked.force, asked.user, self._clock, asked.even_if_alive)
        if isinstance(asked, Rename):
            wish = plan_rename(asked.node, asked.name)
            return await foretell_rename(self._host, wish, asked.user, self._clock)
        try:
            planned = await self._add(asked, dry_run=True)
        except (Conflict, NoQuorum, NotInCluster) as error:
            return Foretold((), obstacle=error.message)
        return Foretold((f"List {asked.node} in corosync.conf, for a few minutes until it comes.",), planned.warnings)

    def _created(self, asked: CreateCluster) -> CreatePlan:
        return plan_create(
            self._host, asked.clustername, asked.links, asked.nodeid, asked.votes, asked.token_coefficient
        )

    def checked_create_links(self, links: Mapping[int, str]) -> tuple[Link, ...]:
        """Raises InvalidInput."""
        return plan_create(self._host, CHECKED_NAME, links).links

    def checked_join(self, asked: CheckJoin) -> JoinPlan:
        """Raises InvalidInput."""
        return plan_join(
            self._host, asked.hostname, asked.fingerprint, asked.password, asked.links, asked.nodeid, None, False,
            asked.token, asked.cluster_uuid,
        )  # fmt: skip

    def _joined(self, asked: JoinCluster) -> JoinPlan:
        return plan_join(
            self._host, asked.hostname, asked.fingerprint, asked.password, asked.links, asked.nodeid, asked.votes,
            asked.force, asked.token, asked.cluster_uuid, asked.brings,
        )  # fmt: skip

    async def undo_join(self, request: UndoJoin) -> str:
        """As `create`. Raises NotFound too."""
        joined = await self._memory.to_undo(self._host, self._clock.unix_s())

        async def work(context: TaskContext) -> None:
            await undo_join(self._host, joined, self._memory, request.force, self._journal, context, self._clock)

        return self._begin("clusterundojoin", joined.cluster, request.user, work)

    async def joined(self) -> Any:
        """The join that may be undone now, for pages."""
        one = await self._memory.joined(self._host, self._clock.unix_s())
        if one is None:
            return None
        return {"cluster": one.cluster, "time_s": one.time_s, "backup": one.backup, "undo_until_s": one.undo_until_s}

    def rename(self, request: Rename) -> str:
        """As `create`."""
        wish = plan_rename(request.node, request.name)

        async def work(context: TaskContext) -> None:
            await rename(self._host, wish, self._journal, context, self._clock)

        return self._begin("clusterrename", wish.name, request.user, work)

    # --- asked by the users of a member -----------------------------------------------------------------------------

    async def plan_removal(self, node: str) -> Any:
        return as_plain(await read_plan(self._host, node))

    async def remove_node(self, request: RemoveNode, afterwards: Callable[[], Awaitable[None]]) -> Any:
        """At once, or as a task that tells of each step. `afterwards` sees to what the removed node still knows."""
        if self.busy:
            raise Conflict(BUSY)
        if request.task:
            await read_plan(self._host, request.node)
            return {
                "upid": self._tasks.start(
                    "clusterremove", request.node, request.user, self._removal(request, afterwards)
                )
            }
        warnings = await remove_node(self._host, self._additions, self._clock, request.node, request.user)
        await afterwards()
        return {"warnings": list(warnings)}

    def _removal(
        self, request: RemoveNode, afterwards: Callable[[], Awaitable[None]]
    ) -> Callable[[TaskContext], Awaitable[None]]:
        async def work(context: TaskContext) -> None:
            context.step("Take the node out", 0.2)
            for sentence in await remove_node(
                self._host, self._additions, self._clock, request.node, request.user, context.log
            ):
                context.warn(sentence)
            context.step("Change the keys it knew", 0.8)
            await afterwards()
            context.log("Change the key of tickets: OK")
            context.log(f"{request.node} is out of the cluster. This can be taken back within a day.")

        return work

    async def undo_removal(self, request: UndoRemoval) -> Any:
        if self.busy:
            raise Conflict(BUSY)
        warnings = await undo_removal(self._host, self._additions, self._clock, request.node, request.user)
        return {"warnings": list(warnings)}

    async def plan_undo_removal(self, node: str) -> Any:
        return as_plain(await foretell_undo(self._host, self._clock, node))

    async def removed_nodes(self) -> Any:
        now_s = self._clock.unix_s()
        return [
            {"node": one.name, "node_id": one.node_id, "time_s": one.time_s, "user": one.user, "left": one.left,
             "undo_until_s": one.time_s + UNDO_S if one.may_be_undone(now_s) else 0}
            for one in await removed_nodes(self._host)
        ]  # fmt: skip

    # --- asked by a joining node ------------------------------------------------------------------------------------

    async def add_node(self, request: AddNode) -> Any:
        return as_plain(await self._add(request))

    async def _add(self, request: AddNode, *, dry_run: bool = False) -> AddedNode:
        return await self._additions.add(
            request.node, request.links, request.nodeid, request.votes, request.force, request.new_node_ip,
            request.apiversion, request.user, dry_run=dry_run,
        )  # fmt: skip

    @property
    def tokens(self) -> JoinTokens:
        return self._additions.tokens

    def now_s(self) -> float:
        return self._clock.unix_s()

    async def add_with_token(self, request: TokenAdd, token: JoinToken) -> AddedNode:
        return await self._additions.add(
            request.node, request.links, request.nodeid, request.votes, request.force, request.new_node_ip,
            request.apiversion, f"join token {token.name}", token,
        )  # fmt: skip

    async def undo_add_node(self, request: UndoAddNode) -> None:
        await self._additions.withdraw(request.node, request.undo_token.reveal())

    # --- the daemon's part ------------------------------------------------------------------------------------------

    async def take_back(self) -> None:
        """At the daemon's start: undo what was interrupted, before anything else runs."""
        await self._resume()
        self._tasks.abandon_interrupted()

    async def watch(self) -> None:
        """For ever: see pending additions through, and finish telling a peer what could not be told before."""
        again_s = 0.0
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            await self._additions.check()
            if not self.busy and self._journal.read() is not None and self._clock.monotonic_s() >= again_s:
                again_s = self._clock.monotonic_s() + RESUME_AGAIN_S
                await self._resume()

    async def _resume(self) -> None:
        try:
            resumed = await resume_or_undo(self._journal, self._host, self.peer)
        except QuireError as error:
            log.error("What an interrupted workflow had begun could not be taken back: %s", error.message)
            return
        if resumed is not None:
            log.warning("An interrupted workflow: %s", resumed.status)
            self._tasks.conclude(resumed.upid, resumed.lines, resumed.status)

    def _begin(self, type_: str, id_: str, user: str, work: Callable[[TaskContext], Awaitable[None]]) -> str:
        if self.busy:
            raise Conflict(BUSY)

        async def alone(context: TaskContext) -> None:
            try:
                await work(context)
            finally:
                self.busy = False

        self.busy = True
        try:
            return self._tasks.start(type_, id_, user, alone)
        except QuireError:
            self.busy = False
            raise

    def peer(self, address: str, fingerprint: str) -> Peer:
        return Peer(address, self._options.port, fingerprint)
