"""Requests for changes: put to some node, put again under the same request id until there is an answer to rely on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cluster.core.effects import NotDone, Outcome, Unknown
from cluster.core.events import Expired, Proposed
from cluster.core.operations import AnyOperation, Command, encode_body
from cluster.model import Member

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.world import World

ASK_TIMEOUT_S = 10.0

Settled = Callable[["Asked"], None]


class Asked:
    """One request of a client, until it is settled. `tries` counts how often it was put to a node; `stubborn` never
    takes no for an answer, and who is not `patient` does not ask again when the outcome is unknown."""

    def __init__(
        self, request_id: str, operations: tuple[AnyOperation, ...], time_ms: int, stubborn: bool, patient: bool
    ) -> None:
        self.request_id, self.operations, self.time_ms = request_id, operations, time_ms
        self.stubborn, self.patient = stubborn, patient
        self.tries = 0
        self.was_unknown = False
        self.waiting_on: set[Member] = set()
        self.outcome: Outcome | None = None
        self.then: Settled = lambda asked: None


class Requests:
    def __init__(self, world: World) -> None:
        self.world = world
        self.asked: dict[str, Asked] = {}
        self.open: dict[str, Asked] = {}

    def ask(
        self,
        operations: tuple[AnyOperation, ...],
        *,
        then: Settled | None = None,
        stubborn: bool = False,
        patient: bool = True,
        node_id: int | None = None,
    ) -> Asked:
        """`then` is called once, when it is settled."""
        request_id = f"r{len(self.asked) + 1}"
        asked = Asked(request_id, operations, int(self.world.clock.now_s * 1000), stubborn, patient)
        asked.then = then or asked.then
        self.asked[request_id] = self.open[request_id] = asked
        self.put(asked, node_id)
        if self.world.dice.random() < 0.03:
            self.put(asked)  # an impatient client, twice at once
        return asked

    def put(self, asked: Asked, node_id: int | None = None) -> None:
        """Put a request to a node; when there is none, try again later."""
        world = self.world
        here = [one for one in world.processes if one in world.votes and not world.processes[one].paused]
        if asked.outcome is not None:
            return
        if not here:
            world.clock.after(1.0, self.put, asked)
            return
        process = world.processes[node_id if node_id in here else world.dice.choice(here)]
        if asked.was_unknown:
            world.judge.saw("S8 duplicate request after UNKNOWN")
        asked.tries += 1
        if world.told is not None:
            world.tell(f"node {process.member.node_id} is asked {asked.request_id}, try {asked.tries}")
        asked.waiting_on.add(process.member)
        command = Command(asked.request_id, process.member.node_id, asked.time_ms, "alice@pve", "api", asked.operations)
        process.feed(Proposed(asked.request_id, encode_body(command)))
        if process.member in asked.waiting_on:
            world.clock.after(ASK_TIMEOUT_S, self._expire, asked, process)

    def _expire(self, asked: Asked, process: Process) -> None:
        if process.member in asked.waiting_on:
            process.feed(Expired(asked.request_id))

    def answered(self, process: Process, request_id: str, outcome: Outcome) -> None:
        asked = self.asked.get(request_id)
        if asked is None or process.member not in asked.waiting_on:
            return
        asked.waiting_on.discard(process.member)
        asked.was_unknown |= isinstance(outcome, Unknown)
        self.world.judge.saw_answer(process, asked, outcome)
        if isinstance(outcome, Unknown) and not asked.patient and not asked.waiting_on:
            self._settle(asked, outcome)
        elif isinstance(outcome, Unknown | NotDone):
            again = asked.tries > 1 or asked.stubborn or isinstance(outcome, Unknown)
            if again or self.world.dice.random() < 0.5:
                self.world.clock.after(self.world.dice.uniform(0.3, 4.0), self.put, asked)  # perhaps to another node
            else:
                self._settle(asked, outcome)
                self.world.judge.saw_given_up(asked)
        else:
            self._settle(asked, outcome)

    def _settle(self, asked: Asked, outcome: Outcome) -> None:
        first = asked.outcome is None
        if first or not isinstance(outcome, Unknown | NotDone):
            asked.outcome = outcome
        if first:
            self.open.pop(asked.request_id, None)
            asked.then(asked)

    def connection_lost(self, member: Member) -> None:
        """A process is gone, and whoever waited on it asks elsewhere."""
        for asked in [one for one in self.open.values() if member in one.waiting_on]:
            asked.waiting_on.discard(member)
            self.world.clock.after(0.5, self.put, asked)
