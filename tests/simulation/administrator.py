"""The administrator of a simulated cluster: adds and removes nodes, one at a time, as the manual says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cluster.core.effects import Done
from cluster.core.machine import CONFIGURATION, Machine
from cluster.core.operations import Remove, Write
from tests.simulation.process import configuration, nodelist

if TYPE_CHECKING:
    from tests.simulation.world import World

# A store that is full takes no nodelist; what other clients keep in it is worth less.
FILES = [f"f{number}" for number in range(5)]
MAKE_ROOM = tuple(Remove(f"{folder}{file}", missing_ok=True) for folder in ("", "d0/", "d1/", "d2/") for file in FILES)


class Administrator:
    def __init__(self, world: World) -> None:
        self.world = world
        self.busy = False
        self.retired: list[int] = []

    def add_node(self) -> None:
        world = self.world
        node_id = max(one for one in world.disks if one < 900) + 1
        if len(set(world.network.side.values())) > 1:
            world.judge.saw("S10 join during partition")
        self._reconfigure({**world.votes, node_id: 1}, lambda: self._install(node_id))

    def _install(self, node_id: int) -> None:
        self.world.judge.saw("newcomer")
        self.busy = False
        self.world.add_disk(node_id)
        self.world.boot(node_id)

    def remove_node(self) -> None:
        world = self.world
        gone = world.dice.choice(sorted(world.votes))
        process = world.processes.get(gone)
        if process is not None and process.replica.machine.proposals.pending:
            world.judge.saw("S11 removal of a proposer")
        votes = {node_id: count for node_id, count in world.votes.items() if node_id != gone}
        self._reconfigure(votes, lambda: self._retire(gone))

    def _retire(self, node_id: int) -> None:
        """A removed node is switched off once nobody who remains depends on its vote, and all have that on disk."""
        world = self.world
        here = [world.processes[voter].replica for voter in world.votes if voter in world.processes]
        on_disk = any(node_id in counting for voter in world.votes for counting in self.in_force(voter))
        if not here or on_disk or any(replica.depends_on(node_id) for replica in here):
            world.clock.after(0.5, self._retire, node_id)
            return
        world.judge.saw("removal")
        self.retired.append(node_id)
        self.busy = False
        world.cut_power(node_id)

    def in_force(self, node_id: int) -> list[dict[int, int]]:
        """Whose votes count, and whose would if what is under way were committed, as a node's disk and memory tell."""
        found = [one.votes for one in Machine(self.world.disks[node_id].load(), nodelist).electorates()]
        if node_id in self.world.processes:
            replica = self.world.processes[node_id].replica
            found += [one.votes for one in replica.machine.electorates()]
            found += [replica.work.asked.after] if replica.work.asked is not None else []
        return found

    def _reconfigure(self, votes: dict[int, int], then: Callable[[], None]) -> None:
        self.world.votes, self.busy = votes, True
        self.world.judge.ever_configured.update(votes)
        write = (*MAKE_ROOM, Write(CONFIGURATION, configuration(votes)))
        self.world.requests.ask(write, stubborn=True, then=lambda asked: self._written(asked.outcome, then))

    def _written(self, outcome: object, then: Callable[[], None]) -> None:
        assert isinstance(outcome, Done), f"the nodelist could not be written: {outcome}"
        then()
