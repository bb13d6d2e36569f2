"""Changes of links as this node runs them: begun as a task, confirmed or taken back, and ended when their time is over.

The guard runs on every node. When a trial is over it is the store's to go back while it can be written; the node with
the lowest id does that. A node without quorum writes the agreed fallback to its own disk and has its corosync read it,
so that nodes which do not hear each other over the new links meet again on the old ones.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from typing import TYPE_CHECKING

from cluster.control.link_requests import ChangeLinks
from cluster.core.machine import CONFIGURATION
from cluster.corosync import conf
from cluster.errors import NotInCluster, QuireError
from cluster.model import LinkTrialState
from cluster.node.aside import write_durably
from cluster.node.link_host import NodeLinkHost
from cluster.node.tasks import TaskContext
from cluster.workflow import link_trial
from cluster.workflow.change_links import change_links, undo_steps
from cluster.workflow.clock import SystemClock
from cluster.workflow.journal import Journal
from cluster.workflow.link_plan import LinkPlan, plan_links, read_wish, way_back
from cluster.workflow.link_trial import Trial
from cluster.workflow.steps import take_back

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

LOOK_EVERY_S = 0.25
OTHERS_S = 15.0  # how much later another node than the first one goes back, for the case that it cannot
ALONE_AGAIN_S = 3.0
BACK_TOLD_S = 600.0  # how long pages say that a change went back

log = logging.getLogger(__name__)


class LinkChanges:
    """`host` is also what confirms and goes back on request."""

    def __init__(self, node: Daemon) -> None:
        self.host = NodeLinkHost(node)
        self._node = node
        self._journal = Journal(node.options.state_dir / "links.json")
        self._heard: tuple[Trial, float] | None = None  # the trial, and when it is over on this node's clock
        self._back: LinkTrialState | None = None
        self._alone_s = 0.0

    # --- asked by users -----------------------------------------------------------------------------------------------

    def plan(self, wishes: dict[int, str]) -> LinkPlan:
        """Raises InvalidInput, NotInCluster, NotFound, Conflict."""
        document = self._node.document()
        if document is None:
            raise NotInCluster("This node is not in a cluster.")
        loopback = self._node.options.engine != "corosync"
        return plan_links(
            document, [read_wish(number, text, allow_loopback=loopback) for number, text in sorted(wishes.items())]
        )

    def begin(self, request: ChangeLinks) -> str:
        """→ the task's UPID. Raises what `plan` raises, Busy."""
        plan = self.plan(request.links)
        link_trial.check_none(link_trial.decode(self._node.life.tree.read(link_trial.PATH)))
        wanted, fallback = conf.render(plan.steps[-1].document), conf.render(plan.fallback)
        lasts_s = link_trial.lasts_s(request.confirm_s, len(plan.steps))
        trial = Trial(uuid.uuid4().hex, request.user, time.time() + lasts_s, lasts_s, fallback, wanted)

        async def work(context: TaskContext) -> None:
            await change_links(self.host, plan, trial, request.at_once, self._journal, context, SystemClock())

        return self._node.tasks.start("clusterlinks", "", request.user, work)

    # --- the guard ----------------------------------------------------------------------------------------------------

    async def watch(self) -> None:
        """For ever."""
        await self._conclude_interrupted()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self._look(time.monotonic())
            except QuireError as error:
                log.warning("The former links could not be put back yet: %s", error.message)

    async def _look(self, now_s: float) -> None:
        life = self._node.life
        if not (life.is_open and life.clustered):
            self._heard = self._back = None
            return
        trial = link_trial.decode(life.tree.read(link_trial.PATH))
        if trial is None:
            self._is_over(time.time())
            return
        if self._heard is None or self._heard[0].id != trial.id:
            left_s = min(float(trial.lasts_s), max(0.0, trial.deadline_s - time.time()))
            self._heard, self._back = (trial, now_s + left_s), None
        late_s = now_s - self._heard[1]
        if late_s < 0:
            return
        if life.replica.writable:
            first = min(self._node.board.members, default=0) == life.replica.node_id
            if first or late_s > OTHERS_S:
                await self.host.go_back()
        elif now_s >= self._alone_s:
            self._alone_s = now_s + ALONE_AGAIN_S
            await self._go_back_alone(trial)

    def _is_over(self, unix_s: float) -> None:
        """Nothing is on trial. Of what did not stay pages tell for a while."""
        heard, self._heard = self._heard, None
        if heard is not None and self._node.life.tree.read(CONFIGURATION) != heard[0].wanted.encode():
            self._back = LinkTrialState(heard[0].user, heard[0].deadline_s, unix_s)
            self._node.showing.soon()
        elif self._back is not None and unix_s > (self._back.back_s or 0.0) + BACK_TOLD_S:
            self._back = None
            self._node.showing.soon()

    async def _go_back_alone(self, trial: Trial) -> None:
        """Without quorum. The store follows as soon as it can be written again."""
        path = self._node.options.configuration
        if not path.exists() or path.read_bytes() == trial.fallback.encode():
            return
        log.warning("The change of links was not confirmed and this node has no quorum: it goes back by itself.")
        for document in way_back(conf.parse(path.read_bytes()), conf.parse(trial.fallback)):
            write_durably(path, conf.render(document).encode(), 0o644)
            await self._node.life.connection.engine.reload()

    async def _conclude_interrupted(self) -> None:
        record = self._journal.read()
        if record is not None:
            back = await take_back(undo_steps(self.host, at_start=True), record, self._journal)
            said = "The daemon ended in the middle of this. " + back.outcome
            self._node.tasks.conclude(record.upid, back.lines, said)

    def shown(self) -> LinkTrialState | None:
        """The trial under way, or one that went back lately, for pages."""
        life = self._node.life
        trial = link_trial.decode(life.tree.read(link_trial.PATH)) if life.is_open else None
        return LinkTrialState(trial.user, trial.deadline_s) if trial is not None else self._back
