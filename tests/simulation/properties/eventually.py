"""E1-E5: what must have come true once things are healed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.core.effects import Done, Refused
from cluster.core.replica import Phase

if TYPE_CHECKING:
    from tests.simulation.judge import Judge


def e1_a_healed_majority_takes_writes(judge: Judge) -> str | None:
    """Asked when a majority was healed, the others still away: done within a minute."""
    return None if judge.world.was_probed() else "a healed majority did not take a write within a minute"


def e2_all_nodes_are_identical(judge: Judge) -> str | None:
    world = judge.world
    dead = sorted(set(world.votes) - set(world.processes))
    if dead:
        return f"nodes {dead} do not run in the end"
    replicas = world.voters()
    stuck = [(r.node_id, r.phase.value, r.reason) for r in replicas if r.phase is not Phase.ACTIVE]
    if stuck:
        return f"not writable in the end: {stuck}"
    first = replicas[0].machine
    for machine in (replica.machine for replica in replicas[1:]):
        if machine.log.commit != first.log.commit:
            return "the histories differ in the end"
        if machine.tree.entries != first.tree.entries:
            return "the trees differ in the end"
        if list(machine.remembered) != list(first.remembered):
            return "the remembered outcomes differ in the end"
    if first.electorate != world.votes:
        return f"the voters are {first.electorate}, not {world.votes}"
    return None


def e3_every_outcome_is_known(judge: Judge) -> str | None:
    """Whoever asks again under the same request id hears in the end; and what was answered is in the history."""
    asked = judge.world.requests.asked.values()
    unsettled = [one.request_id for one in asked if one.outcome is None]
    if unsettled:
        return f"never answered: {unsettled}"
    for one in asked:
        place = judge.happened.get(one.request_id)
        if isinstance(one.outcome, Done | Refused) and (place is None or place > judge.reached()):
            return f"{one.request_id} was answered and is lost"
    return None


def e4_every_reader_is_answered(judge: Judge) -> str | None:
    waiting = judge.world.clients.waiting_reads
    return f"readers still wait: {waiting}" if waiting else None


def e5_who_was_behind_has_caught_up(judge: Judge) -> str | None:
    """Those who were left away while the others went on writing have all of it."""
    for node_id in judge.world.left_away:
        process = judge.world.processes.get(node_id)
        if process is not None and process.replica.machine.log.commit.index != judge.reached():
            return f"node {node_id} is still at {process.replica.machine.log.commit.index} of {judge.reached()}"
    return None


EVENTUALLY = (
    e1_a_healed_majority_takes_writes, e2_all_nodes_are_identical, e3_every_outcome_is_known,
    e4_every_reader_is_answered, e5_who_was_behind_has_caught_up,
)  # fmt: skip
