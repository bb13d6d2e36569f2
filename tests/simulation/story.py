"""A failing seed explains itself: what was found, what led to it, who keeps what, and which calls it contradicts."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

from tests.simulation.mutants import broken
from tests.simulation.properties.always import holds
from tests.simulation.run import Verdict, simulate
from tests.simulation.world import World

LINES_BEFORE = 40
MENTIONS_MAX = 30


class Story:
    """Collects the lines of a run; keeps the last ones, and all in which a request was spoken of."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, line: str) -> None:
        self.lines.append(line)

    def about(self, request_id: str) -> list[str]:
        word = re.compile(rf"\b{re.escape(request_id)}\b")
        return [line for line in self.lines if word.search(line)]


def tell(seed: int, mutant: str = "", *, whole: bool = False) -> int:
    """Print the story of a seed; returns 1 when something was found."""
    story, worlds = Story(), list[World]()
    with broken(mutant):
        verdict = simulate(seed, story, see=worlds.append)
    for line in explained(verdict, story, worlds[0], whole=whole):
        print(line)
    return 1 if verdict.finding else 0


def explained(verdict: Verdict, story: Story, world: World, *, whole: bool) -> Iterator[str]:
    if whole:
        yield from story.lines
    if not verdict.finding:
        yield f"seed {verdict.seed}: nothing found in {verdict.simulated_s / 3600:.2f} cluster-hours"
        yield f"{verdict.faults} faults, {verdict.answers} answers; {sum(verdict.sightings.values())} sightings"
        return
    if not whole:
        yield f"... {max(0, len(story.lines) - LINES_BEFORE)} lines before; --whole shows them"
        yield from deque(story.lines, LINES_BEFORE)
    yield ""
    yield f"FOUND in seed {verdict.seed}, at {world.clock.now_s:.4f} s of it: {verdict.finding}"
    yield from _requests(verdict, story, world)
    yield from _nodes(world)


def _requests(verdict: Verdict, story: Story, world: World) -> Iterator[str]:
    """Each request the finding speaks of, directly or by what it wrote: asked, answered by whom, kept by whom."""
    words = set(re.findall(r"\br\d+\b", verdict.finding))
    values = set(re.findall(r"\bv\d+\b", verdict.finding))
    calls = [call for call in world.clients.calls if call.value in values or call.request_id in words]
    words |= {call.request_id for call in calls if call.request_id}
    for call in calls[:MENTIONS_MAX]:
        yield f"  call     {call}"
    for request_id in sorted(words):
        place = world.judge.happened.get(request_id)
        asked = world.requests.asked.get(request_id)
        outcome = asked.outcome if asked is not None else "nobody asked"
        yield f"  request  {request_id}: outcome {outcome}; in the order at {place}"
        for line in story.about(request_id)[:MENTIONS_MAX]:
            yield f"             {line}"
        if place in world.judge.order:
            point = world.judge.order[place]
            keepers = [node_id for node_id, disk in sorted(world.disks.items()) if holds(disk, point)]
            yield f"             on the disks of nodes {keepers} now"


def _nodes(world: World) -> Iterator[str]:
    yield f"  network  sides {world.network.side}; voters by configuration {world.votes}"
    for node_id, disk in sorted(world.disks.items()):
        process = world.processes.get(node_id)
        durable = disk.load()
        last = durable.suffix[-1].point if durable.suffix else durable.snapshot.point
        on_disk = f"disk kept {durable.snapshot.point.index}, last {last.epoch}.{last.index}"
        if process is None:
            yield f"  node {node_id}   not running; {on_disk}"
            continue
        replica = process.replica
        log, work = replica.machine.log, replica.work
        phase = replica.phase.value + (" (stands still)" if process.paused else "")
        yield (
            f"  node {node_id}   {phase}, epoch {work.epoch}, "
            f"committed {log.commit.index}, last {log.last.epoch}.{log.last.index}; acks heard {work.acked}; {on_disk}"
        )
