"""Change the links of a running cluster, one at a time, on trial: what nobody confirms over the new links goes back.

Each step commits a corosync.conf, has every member read it, and waits until every node says that it hears every peer at
its new address. Then the change waits for its confirmation. What goes wrong is put back by this task while the store
can be written, else by every node for itself when the time of the trial is over (`link_trial.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from cluster.corosync import conf
from cluster.errors import Conflict, InvalidInput, NoQuorum, NotInCluster, Unavailable
from cluster.model import LinkState, StoreState
from cluster.workflow.clock import Clock
from cluster.workflow.host import StoredFile
from cluster.workflow.journal import Journal
from cluster.workflow.link_plan import LinkPlan, LinkStep
from cluster.workflow.link_trial import Trial
from cluster.workflow.steps import Account, Run, Step, UndoStep, Workflow, run

STEP_S = 30.0
POLL_S = 0.1
CONFIGURATION = "corosync.conf"


class LinkHost(Protocol):
    """What this workflow asks of its node; `cluster/node/link_host.py` is the real one."""

    async def store_read(self, path: str) -> StoredFile | None: ...

    async def store_state(self) -> StoreState: ...

    async def online_nodes(self) -> frozenset[str]: ...

    async def check_configuration(self, text: bytes) -> None: ...

    async def cluster_log(self, sentence: str) -> None: ...

    async def commit_links(self, document: bytes, expected_digest: str, trial: Trial | None) -> None:
        """Commit corosync.conf, with the trial's record where there is one, and have every member read it. Raises
        NoQuorum, Conflict, OutcomeUnknown, Unavailable."""

    async def trial(self) -> Trial | None: ...

    async def confirm(self) -> None:
        """Remove the trial's record: the change stays. Raises NoQuorum, NotFound, Conflict, OutcomeUnknown."""

    async def go_back(self) -> None:
        """Commit the fallback and remove the record. Nothing on trial: nothing happens. Raises NoQuorum …"""

    async def missing_addresses(self, needed: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        """Which of these (node, address) the nodes do not have; every node is asked. Raises Unavailable."""

    async def link_states(self) -> Mapping[int, tuple[LinkState, ...]]:
        """What each node told of its links lately, by node id."""


async def change_links(
    host: LinkHost, plan: LinkPlan, trial: Trial, at_once: bool, journal: Journal, account: Account, clock: Clock
) -> None:
    """With `at_once` the change confirms itself as soon as every node hears every peer over it. Raises TaskFailed."""
    await run(_Changing(host, plan, trial, at_once, clock).workflow(), journal, account)


def undo_steps(host: LinkHost, *, at_start: bool = False) -> dict[str, UndoStep]:
    """`at_start`: the store is not open yet, so the trial ends by itself."""

    async def go_back(facts: Mapping[str, str]) -> str | None:
        if "trial" not in facts:
            return ""
        if at_start:
            return "If the change of links was not confirmed, it goes back by itself when its time is over."
        await host.go_back()
        return None

    return {"arm": UndoStep("Put the former links back", go_back)}


class _Changing:
    def __init__(self, host: LinkHost, plan: LinkPlan, trial: Trial, at_once: bool, clock: Clock) -> None:
        self._host, self._plan, self._trial, self._at_once, self._clock = host, plan, trial, at_once, clock

    def workflow(self) -> Workflow:
        first, *others = self._plan.steps
        return Workflow(
            "links",
            [
                Step(
                    "check", "Check that the cluster is whole and every node has its new addresses", self._check, 20.0
                ),
                Step("arm", first.title, self._changer(first, armed=False), STEP_S),
                *(
                    Step(f"link{place}", each.title, self._changer(each, armed=True), STEP_S)
                    for place, each in enumerate(others, 1)
                ),
                Step("confirm", "Wait for the confirmation", self._confirm, self._trial.lasts_s + 2 * STEP_S),
            ],
            [],
            undo_steps(self._host),
            "The links are changed.",
        )

    async def _check(self, run: Run) -> None:
        state = await self._host.store_state()
        if not state.writable:
            raise NoQuorum(f"The links cannot be changed now: {state.reason or 'the cluster has no quorum'}")
        absent = {node.name for node in self._plan.fallback.nodes()} - await self._host.online_nodes()
        if absent:
            raise Conflict(f"Every node must be online to change its links; not here: {', '.join(sorted(absent))}.")
        missing = await self._host.missing_addresses(self._plan.needed)
        if missing:
            said = "; ".join(f"{node} does not have {address}" for node, address in missing)
            raise InvalidInput(f"{said}. Give the addresses to the nodes' interfaces first.")
        await self._host.check_configuration(self._trial.wanted.encode())  # what lies between only lacks a link
        for warning in self._plan.warnings:
            run.say(warning)

    def _changer(self, step: LinkStep, *, armed: bool):  # type: ignore[no-untyped-def]
        async def change(run: Run) -> str:
            stored = await self._host.store_read(CONFIGURATION)
            if stored is None:
                raise NotInCluster("This node is not in a cluster.")
            if not armed:
                if conf.parse(stored.data).config_version >= step.document.config_version:
                    raise Conflict("The configuration was changed by someone else meanwhile; try again.")
                run.note(trial=self._trial.id)
                self._trial = self._trial.from_now(self._clock.unix_s())
                await self._host.cluster_log(f"links are changed, on trial for {self._trial.lasts_s} s, by {run.user}")
            await self._host.commit_links(
                conf.render(step.document).encode(), stored.digest, None if armed else self._trial
            )
            began_s = self._clock.monotonic_s()
            while True:
                waits = unheard(step.document, await self._host.link_states())
                if await self._confirmed():
                    return "OK, confirmed"
                if not waits:
                    break
                run.last_said = waits
                await self._clock.sleep(POLL_S)
            return f"OK, every node hears every peer after {self._clock.monotonic_s() - began_s:.1f} s"

        return change

    async def _confirmed(self) -> bool:
        """Somebody may do that before all is heard: the change is on trial no more, and stays. Raises Unavailable."""
        if await self._host.trial() is not None:
            return False
        if not await self._is_wanted():
            raise Unavailable("the change went back, because its time was over")
        return True

    async def _is_wanted(self) -> bool:
        stored = await self._host.store_read(CONFIGURATION)
        return stored is not None and stored.data.decode() == self._trial.wanted

    async def _confirm(self, run: Run) -> str:
        if await self._host.trial() is not None:
            if self._at_once:
                await self._host.confirm()
                return "OK, every peer is heard over the changed links"
            left_s = self._trial.deadline_s - self._clock.unix_s()
            run.say(f"Confirm the change within {left_s:.0f} s, or it goes back.")
        while await self._host.trial() is not None:
            await self._clock.sleep(POLL_S)
        if not await self._is_wanted():
            raise Unavailable("nobody confirmed it in time, so every node went back to the former links")
        return "OK, confirmed"


def unheard(document: conf.Document, told: Mapping[int, tuple[LinkState, ...]]) -> str:
    """Who does not hear whom yet on the links of `document`, at the addresses in it; "" when all hear all. What a node
    tells of a link that is removed does not matter, that it still has it does."""
    nodes = document.nodes()
    for node in nodes:
        states = {(state.peer_id, state.link): state for state in told.get(node.node_id, ())}
        for peer in nodes:
            for link in peer.links:
                state = states.pop((peer.node_id, link.number), None)
                if peer is not node and (state is None or not state.connected or state.peer_address != link.address):
                    return f"{node.name} does not hear {peer.name} at {link.address} on link {link.number} yet"
        if states:
            peer_id, number = next(iter(states))
            return f"{node.name} still uses link {number} to node {peer_id}"
    return ""
