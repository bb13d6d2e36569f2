"""A node's flight recorder: what it keeps over its lives, in how few bytes, and what it hears of the other nodes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from cluster.core.effects import Committed
from cluster.core.entry import Applied, PathChange
from cluster.core.messages import Point
from cluster.errors import PeerError
from cluster.flight.recorded import Recorded
from cluster.model import ClusterState, LinkState, NodeState
from cluster.node import fellows, flight_file
from cluster.node.recorder import Recorder

NODES = tuple(
    NodeState(name, number, 1, local=number == 1, online=True) for number, name in enumerate(("alpha", "beta"), 1)
)


def recorder(folder: Path, told: list[Recorded] | None = None) -> Recorder:
    return Recorder("alpha", folder, lambda: 1000.0, lambda: 5.0, (told if told is not None else []).append)


async def test_events_are_numbered_on_over_the_lives_of_the_daemon(tmp_path: Path) -> None:
    first = recorder(tmp_path)
    first.begin()
    await first.close()
    second = recorder(tmp_path)
    second.begin()
    assert [(event.number, event.code) for event in second.events] == [(1, "started"), (2, "stopped"), (3, "started")]
    assert second.events[0].life != second.events[-1].life


async def test_a_life_that_ended_without_a_word_is_noticed_by_the_next(tmp_path: Path) -> None:
    first = recorder(tmp_path)
    first.begin()
    first.record(Recorded("lock", "lock-taken", "x"))  # not written down yet, and the power goes
    second = recorder(tmp_path)
    second.begin()
    newest = second.events[-1]
    assert newest.code == "started-unclean" and newest.number > 1000, "a number the others know is not given again"


async def test_half_a_line_at_the_end_loses_that_line_only(tmp_path: Path) -> None:
    first = recorder(tmp_path)
    first.begin()
    await first.close()
    with (tmp_path / "events").open("ab") as file:
        file.write(b'\n{"kind":"node","co')
    again = recorder(tmp_path)
    again.begin()
    await again.close()
    assert [event.number for event in flight_file.FlightFile(tmp_path).read()] == [1, 2, 3, 4]


async def test_the_files_stay_bounded_and_the_newest_events_stay(tmp_path: Path) -> None:
    file = flight_file.FlightFile(tmp_path)
    for start in range(0, 12000, 500):
        file.append([Recorded("lock", "lock-taken", "x", "y" * 100, number=start + n, life="1") for n in range(500)])
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 3 * flight_file.FILE_BYTES_MAX
    assert file.read()[-1].number == 11999


async def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "flight").write_text("a file")
    here = recorder(tmp_path / "flight")
    here.begin()
    await here.close()
    assert here.newest == 2


def commit(index: int, path: str = "a.cfg", user: str = "alice@pve") -> Committed:
    applied = Applied((), (), (PathChange(path, "file"),))
    return Committed(Point(1, index, b""), index, applied, user=user, door="api", node_id=1)


async def test_a_burst_of_writes_is_one_event(tmp_path: Path) -> None:
    told: list[Recorded] = []
    here = recorder(tmp_path, told)
    here.committed(tuple(commit(index) for index in range(100)), {1: "alpha"})
    here.committed((commit(100, user="bob@pve"),), {1: "alpha"})
    assert [(event.user, event.count) for event in told] == [("alice@pve", 100)]
    await here.close()
    assert [(event.user, event.count) for event in told] == [("alice@pve", 100), ("bob@pve", 1), ("", 1)]


async def test_links_are_noted_when_they_go_and_come(tmp_path: Path) -> None:
    told: list[Recorded] = []
    here = recorder(tmp_path, told)
    for states in ((), (LinkState(2, 0, True),), (LinkState(2, 0, False),), (), (LinkState(2, 0, True),)):
        here.shown(ClusterState("alpha", "demo", nodes=(replace(NODES[0], link_states=states), NODES[1])))
    assert [(event.code, event.about) for event in told] == [("link-down", "beta"), ("link-up", "beta")]


# --- the other nodes --------------------------------------------------------------------------------------------------


class Other:
    """beta, as far as alpha can ask it."""

    def __init__(self) -> None:
        self.events: list[Recorded] = []
        self.asked: list[int] = []
        self.reachable, self.silent = True, False
        self.now_s = 0.0
        self.fellows = fellows.Fellows(self.ask, lambda: 1000.0 + self.now_s, lambda: self.now_s)

    def happens(self, number: int) -> Recorded:
        self.events.append(Recorded("node", "started", "beta", number=number, time_s=1.0))
        return self.events[-1]

    def says_how_far(self) -> bool:
        return self.fellows.hear("beta", self.events[-1].number)

    async def ask(self, node_id: int, body: bytes) -> bytes:
        self.asked.append(msgspec.msgpack.decode(body, type=fellows.Asked).after)
        if self.silent:
            await asyncio.sleep(60)
        if not self.reachable:
            raise PeerError("beta cannot be reached.")
        newest = self.events[-1].number if self.events else 0
        return fellows.answer(body, lambda after: tuple(one for one in self.events if one.number > after), newest)

    async def numbers(self, online: bool = True) -> list[int]:
        await self.fellows.refresh((NODES[0], NodeState("beta", 2, 1, online=online)))
        return [event.number for event in self.fellows.of("beta").events]


@pytest.fixture
def beta() -> Other:
    return Other()


async def test_only_what_is_new_is_asked_for_and_nothing_when_nothing_is(beta: Other) -> None:
    beta.happens(1)
    assert await beta.numbers() == [1]
    assert await beta.numbers() == [1]
    beta.happens(2)
    assert beta.says_how_far()
    assert await beta.numbers() == [1, 2]
    assert not beta.says_how_far()
    assert await beta.numbers() == [1, 2]
    beta.happens(3)
    beta.happens(4)
    assert beta.says_how_far()
    assert await beta.numbers() == [1, 2, 3, 4]
    assert beta.asked == [0, 1, 2]


async def test_a_node_that_lost_its_events_is_asked_from_the_beginning(beta: Other) -> None:
    for number in range(1, 6):
        beta.happens(number)
    await beta.numbers()
    beta.events.clear()
    beta.happens(1)
    beta.says_how_far()
    assert await beta.numbers() == [1]


async def test_what_an_absent_node_said_stays_and_it_is_asked_now_and_then(beta: Other) -> None:
    beta.happens(1)
    await beta.numbers()
    beta.reachable = False
    beta.now_s = 10
    assert await beta.numbers(online=False) == await beta.numbers(online=False) == [1]
    fellow = beta.fellows.of("beta")
    assert (fellow.answers, fellow.heard_s, fellow.reason) == (False, 1000.0, "beta cannot be reached.")
    assert len(beta.asked) == 2
    beta.now_s, beta.reachable = 16, True
    beta.happens(2)
    assert await beta.numbers(online=False) == [1, 2]


async def test_what_a_node_saw_is_known_until_it_last_said_that_there_is_no_more(beta: Other) -> None:
    beta.happens(1)
    await beta.numbers()
    beta.now_s = 50
    beta.says_how_far()
    beta.happens(2)
    beta.now_s = 52
    beta.says_how_far()
    beta.now_s, beta.reachable = 60, False
    await beta.numbers()
    assert beta.fellows.of("beta").heard_s == 1050.0


async def test_a_node_that_hangs_holds_nobody_up(beta: Other, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fellows, "ASK_S", 0.01)
    beta.silent = True
    assert await beta.numbers() == []
    assert beta.fellows.of("beta").reason == "beta did not answer within 0.01 s."


async def test_nonsense_of_another_node_is_not_shown(beta: Other) -> None:
    beta.events = [Recorded("nonsense", "x", number=1), Recorded("node", "x", "y" * 5000, number=2)]
    assert await beta.numbers() == []
