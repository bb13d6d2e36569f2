"""Leave the cluster: the majority goes on without this node, and this node becomes stand-alone, without reinstallation.

While the node is still a member the cluster commits a configuration without it; from then on only this node changes,
and what fails is taken back here, so that leaving again finishes it. A node that the cluster has removed already, or
with `force` one that has lost its cluster, does the local part alone. How steps run is `steps.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

from cluster.corosync import conf
from cluster.errors import Conflict, NoQuorum, NotInCluster
from cluster.workflow import tombstone, waiting, witness_rule
from cluster.workflow.add_node import CONFIGURATION
from cluster.workflow.clock import Clock
from cluster.workflow.create import engine_word, local_undo_steps
from cluster.workflow.foretelling import Foretold, foretell
from cluster.workflow.former import Joined, JoinMemory
from cluster.workflow.host import Host
from cluster.workflow.journal import Journal
from cluster.workflow.removal_plan import check_plan, plan_removal
from cluster.workflow.remove_node import farewell
from cluster.workflow.steps import Account, Run, Step, UndoStep, Workflow, run
from cluster.workflow.undo_removal import back

REMOVAL_S = 40.0
AGAIN = "Leave again to make this node stand-alone."


async def leave(
    host: Host, force: bool, journal: Journal, account: Account, clock: Clock, even_if_alive: bool = False
) -> None:
    """Raises TaskFailed; then this node's files and store are as before, and the sentence says what the cluster knows.

    With `force` nothing is asked of the cluster when it cannot answer: without quorum, or with nobody there. Then the
    absent nodes are tried, and one that answers forbids it but for `even_if_alive`."""
    await run(_Leaving(host, force, clock, even_if_alive=even_if_alive).workflow(), journal, account)


async def foretell_leave(host: Host, force: bool, user: str, clock: Clock, even_if_alive: bool = False) -> Foretold:
    return await foretell(_Leaving(host, force, clock, even_if_alive=even_if_alive).workflow(), user)


async def undo_join(
    host: Host, joined: Joined, memory: JoinMemory, force: bool, journal: Journal, account: Account, clock: Clock
) -> None:
    """Leave, and be again what this node was before it joined. Raises as `leave`; then it can be undone still."""
    await run(_Leaving(host, force, clock, joined.backup).workflow(), journal, account)
    memory.forget()


def undo_steps(host: Host, *, at_start: bool = False) -> dict[str, UndoStep]:
    """How each step of leaving is taken back, from the journal's facts. `at_start`: the daemon is only starting, its
    store is not open, and it starts the engine by itself."""

    async def put_back(facts: Mapping[str, str]) -> str | None:
        if "entry" not in facts:
            return ""
        if at_start:
            return f"The cluster may go on without this node already; then this node says so. {AGAIN}"
        return await _put_entry_back(host, facts["entry"].encode())

    async def start_engine(facts: Mapping[str, str]) -> str | None:
        if at_start or "stopped" not in facts:
            return ""
        await host.start_engine()
        return None

    local = local_undo_steps(host)
    return {
        "removal": UndoStep("Put this node back into the cluster's configuration", put_back),
        "engine": UndoStep(f"Start {engine_word(host)} again", start_engine),
        "backup": local["backup"],
        "configuration": local["configuration"],
    }


class _Leaving:
    """One leaving under way; what one step learns and a later one needs."""

    def __init__(self, host: Host, force: bool, clock: Clock, former: str = "", *, even_if_alive: bool = False) -> None:
        """`former` is the copy of this node's own store that is put back; without, it keeps what the cluster has."""
        self._host, self._force, self._clock, self._former = host, force, clock, former
        self._even_if_alive = even_if_alive
        self._document = conf.Document(conf.Section())
        self._digest, self._cluster_name = "", ""
        self._asks, self._confirmed = False, False

    def workflow(self) -> Workflow:
        word = engine_word(self._host)
        return Workflow(
            "leave",
            [
                Step("check", "Check whether the cluster can go on without this node", self._check, 30.0, looks=True),
                Step("removal", "Take this node out of the cluster's configuration", self._remove, REMOVAL_S),
                Step("engine", f"Leave the cluster's groups and stop {word}", self._stop, 60.0),
                Step("backup", "Keep a copy of the store", self._backup, 60.0),
                Step("configuration", "Remove the cluster's key and configuration", self._clear, 15.0),
                Step("store", self._what_becomes_of_the_store, self._separate, 45.0),
            ],
            [Step("settle", "Tidy up", self._settle, 15.0)],
            undo_steps(self._host),
            f"{self._host.name} is stand-alone now. Sign in again: tickets of the cluster are worth nothing here.",
        )

    async def _check(self, run: Run) -> str:
        stored = await self._host.store_read(CONFIGURATION)
        if stored is None:
            raise NotInCluster("This node is not in a cluster.")
        self._document, self._digest = conf.parse(stored.data), stored.digest
        self._cluster_name = self._document.cluster_name
        if self._document.node(self._host.name) is None or await self._host.told_removed():
            self._confirmed = True
            return f"OK, {self._cluster_name} goes on without it already"
        try:
            await self._check_quorum()
        except NoQuorum as error:
            if not self._force:
                raise NoQuorum(f"{error.message} With force this node leaves without asking.") from error
            run.warn(f"{error.message} The cluster is not asked; remove this node there as well.")
            if not self._former:  # a join that is undone takes back what this node itself did a moment ago
                await self._check_nobody_answers(run)
            return "OK, by force"
        except Conflict as error:
            if not self._force:
                raise Conflict(f"{error.message} With force the cluster ends and the node is stand-alone.") from error
            run.warn(f"With its last node the cluster {self._cluster_name} ends.")
            return "OK, by force"
        self._asks = True
        return "OK"

    async def _check_nobody_answers(self, run: Run) -> None:
        """The others may go on without this node, or wait for its vote: who is alive has a say in it."""
        absent = sorted({one.name for one in self._document.nodes()} - await self._host.online_nodes())
        alive = await self._host.answering_nodes()
        silent = [name for name in absent if name not in alive]
        if silent:
            run.warn(f"Nothing answers where {', '.join(silent)} should be.")
        if not alive:
            return
        said = "; ".join(f"{name} answers at {', '.join(addresses)}" for name, addresses in sorted(alive.items()))
        if not self._even_if_alive:
            raise Conflict(
                f"{said}, so not all the others are gone. Mend the links, or remove this node from there. To separate"
                " this node all the same, say that it shall be done even if a node is alive."
            )
        run.warn(f"{said}, and goes on as if this node were only away.")

    async def _check_quorum(self) -> None:
        state = await waiting.settled(self._host, self._clock)
        if not state.writable:
            raise NoQuorum(state.reason or "The cluster has no quorum.")
        check_plan(plan_removal(self._document.nodes(), await self._host.online_nodes(), self._host.name))

    async def _remove(self, run: Run) -> str | None:
        if not self._asks:
            return "nothing to do"
        entry = self._document.node(self._host.name)
        assert entry is not None
        # corosync itself cannot be asked whether it would take this: here it wants to find this node's name in it.
        without = conf.remove_node(self._document, self._host.name)
        changed = conf.render(await witness_rule.fit(self._host, without)).encode()
        run.note(entry=self._document.source.decode())
        await self._host.cluster_log(f"{self._host.name} leaves the cluster {self._cluster_name}, by {run.user}")
        cleaning = await farewell(self._host, self._clock, entry, run.user, left=True)
        await self._host.commit_removal(changed, self._digest, entry.node_id, cleaning)
        self._confirmed = True
        return None

    async def _stop(self, run: Run) -> None:
        """In good order, so nobody waits for this node's silence; those who stay then have their engines told."""
        run.note(stopped="yes")
        await self._host.leave_groups()
        await self._host.stop_engine()

    async def _backup(self, run: Run) -> str:
        """Only now: a store of an earlier moment must never come back to a cluster it still votes in."""
        name = await self._host.backup_store()
        run.note(backup=name)
        return f"OK, {name}"

    async def _clear(self, run: Run) -> None:
        await self._host.remove_configuration()

    @property
    def _what_becomes_of_the_store(self) -> str:
        if self._former:
            return "Put back the store this node had before it joined"
        return "Make the store this node's own, with new keys"

    async def _separate(self, run: Run) -> None:
        if self._former:
            await self._host.restore_store(self._former, keep=True)
        else:
            await self._host.separate_store(self._confirmed)

    async def _settle(self, run: Run) -> None:
        await self._host.settle()
        await self._host.cluster_log(f"{self._host.name} left the cluster {self._cluster_name}")


async def _put_entry_back(host: Host, before: bytes) -> str | None:
    """This node's entry as it was in `before`, while the store can still be written."""
    stored = await host.store_read(CONFIGURATION)
    former = conf.parse(before).node(host.name)
    if stored is None or former is None:
        return ""
    document = conf.parse(stored.data)
    if document.node(host.name) is not None:
        return ""
    if not (await host.store_state()).writable:
        return f"The cluster goes on without this node. {AGAIN}"
    stone = await host.store_read(tombstone.stone_path(host.name))
    if stone is not None:
        await host.store_clean((await back(host, tombstone.read(stone.data)))[0])
    changed = conf.render(await witness_rule.fit(host, conf.add_node(document, former))).encode()
    await host.write_configuration(changed, stored.digest)
    return None
