"""The contract of `cluster/engine/base.py` as tests, for every maker of an engine; transport-neutral.

A test module subclasses `EngineContract` as `TestSomething` and offers a fixture `world`: a `World` of its own kind,
fresh for each test. Tests speak only of what members see, wait only through `world.until` and `world.pause`, and so
run alike on real corosync, over a Unix socket, and in simulated time.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from typing import ClassVar

import pytest

from cluster.engine.base import (
    MESSAGE_SIZE_MAX,
    QUEUE_MESSAGES_MAX,
    Delivered,
    Engine,
    EngineEvent,
    EngineLost,
    GroupChanged,
    Measured,
    QuorumChanged,
)
from cluster.errors import Busy, InvalidInput, QuireError
from cluster.model import RingId

WAIT_S = 30.0


class Recorder:
    """Keeps what one engine told, in order. Give it to `Engine.start`; with `since` a test looks at the tail only."""

    def __init__(self) -> None:
        self.events: list[EngineEvent] = []

    def __call__(self, event: EngineEvent) -> None:
        self.events.append(event)

    def views(self, group: str, since: int = 0) -> list[GroupChanged]:
        return [e for e in self.events[since:] if isinstance(e, GroupChanged) and e.group == group]

    def view(self, group: str) -> GroupChanged | None:
        return next(iter(self.views(group)[::-1]), None)

    def member_nodes(self, group: str) -> tuple[int, ...]:
        view = self.view(group)
        return tuple(member.node_id for member in view.members) if view else ()

    def deliveries(self, group: str, since: int = 0) -> list[Delivered]:
        return [e for e in self.events[since:] if isinstance(e, Delivered) and e.group == group]

    def payloads(self, group: str, since: int = 0) -> list[bytes]:
        return [delivered.payload for delivered in self.deliveries(group, since)]

    def quorum(self) -> QuorumChanged | None:
        return next((e for e in reversed(self.events) if isinstance(e, QuorumChanged)), None)

    def lost(self) -> bool:
        return bool(self.events) and isinstance(self.events[-1], EngineLost)

    def settled(self, group: str) -> bool:
        """Group and quorum name the same ring."""
        view, quorum = self.view(group), self.quorum()
        return view is not None and quorum is not None and view.ring == quorum.ring


Pair = tuple[Engine, Recorder]


class World:
    """What a maker offers to be tested. Engine number i (from 0) has node id i + 1; every node has one vote.

    Override `engines` and what else the transport can do; say what it cannot with the two flags.
    """

    can_split: ClassVar[bool] = True
    can_lose: ClassVar[bool] = True

    async def engines(self, n: int) -> list[Pair]:
        """n connected engines, started with their recorders, in one ring, joined to no group yet. With n = 3 the ring
        has these three nodes; with fewer it may have more."""
        raise NotImplementedError

    async def split(self, sides: list[list[int]]) -> None:
        """Cut the network so that only engines of the same side hear each other. Returns at once."""
        raise NotImplementedError

    async def heal(self) -> None:
        """Undo every split."""
        raise NotImplementedError

    async def kill(self, i: int) -> None:
        """The process that holds engine i dies without a word; its recorder hears no more. Its node may stay on."""
        raise NotImplementedError

    async def lose(self, i: int) -> None:
        """The transport dies under engine i, which lives on and must say so."""
        raise NotImplementedError

    async def restore(self, i: int) -> None:
        """The transport is back after `lose`, or will be within seconds: starting the engine again works."""

    async def flood(self, i: int, group: str, payloads: Sequence[bytes]) -> int:
        """Multicast from engine i without ever yielding to the loop, until `Busy`; how many were accepted."""
        raise NotImplementedError

    async def pause(self) -> None:
        """Let the world go on for a moment (about a millisecond of its own time)."""
        await asyncio.sleep(0.001)

    async def until(self, predicate: Callable[[], bool], timeout_s: float = WAIT_S) -> None:
        """Let the world go on until the predicate holds; fail the test when it does not in time."""
        deadline_s = asyncio.get_running_loop().time() + timeout_s
        while not predicate():
            if asyncio.get_running_loop().time() > deadline_s:
                pytest.fail(f"did not come true within {timeout_s:g} s")
            await asyncio.sleep(0.005)


def flood(engine: Engine, group: str, payloads: Sequence[bytes]) -> int:
    """What `World.flood` does, for worlds whose engines live in the test's own process."""
    for count, payload in enumerate(payloads):
        try:
            engine.multicast(group, payload)
        except Busy:
            return count
    return len(payloads)


# --- checkers: they judge recordings and know nothing of how these came about ---------------------------------------


def check_same_order(recorders: Sequence[Recorder], group: str) -> None:
    """What two members both delivered, they delivered in the same order. Payloads are unique in these tests."""
    for one, other in itertools.combinations([recorder.payloads(group) for recorder in recorders], 2):
        assert len(one) == len(set(one)), "a message was delivered twice"
        common = set(one) & set(other)
        assert [p for p in one if p in common] == [p for p in other if p in common], "two members saw two orders"


def check_view_synchrony(recorders: Sequence[Recorder], group: str) -> int:
    """Members that moved together from one view to the next delivered the same between them; returns how many did."""
    compared = 0
    for one, other in itertools.combinations([_steps(recorder, group) for recorder in recorders], 2):
        for step in one.keys() & other.keys():
            compared += 1
            assert one[step] == other[step], f"two members delivered differently between {step[0]} and {step[1]}"
    return compared


def _steps(recorder: Recorder, group: str) -> dict[tuple[GroupChanged, GroupChanged], list[bytes]]:
    steps: dict[tuple[GroupChanged, GroupChanged], list[bytes]] = {}
    view: GroupChanged | None = None
    between: list[bytes] = []
    for event in recorder.events:
        if isinstance(event, GroupChanged) and event.group == group:
            if view is not None:
                steps[view, event] = between
            view, between = event, []
        elif isinstance(event, Delivered) and event.group == group:
            between.append(event.payload)
    return steps


def check_rings_never_go_back(recorder: Recorder, group: str) -> None:
    rings = [view.ring for view in recorder.views(group)]
    assert all(a.sequence <= b.sequence for a, b in itertools.pairwise(rings)), f"went back: {rings}"
    assert RingId(0, 0) not in rings, "a view came without a ring"


def check_membership_first(recorder: Recorder, group: str, node_id: int) -> None:
    first = next(e for e in recorder.events if isinstance(e, GroupChanged | Delivered) and e.group == group)
    assert isinstance(first, GroupChanged), "a message came before the first view"
    assert node_id in [member.node_id for member in first.members], "the first view does not list its own member"
    assert list(first.members) == sorted(first.members), "members are not sorted"


def check_all(pairs: Sequence[Pair], group: str) -> None:
    recorders = [recorder for _, recorder in pairs]
    check_same_order(recorders, group)
    check_view_synchrony(recorders, group)
    for recorder in recorders:
        check_rings_never_go_back(recorder, group)


async def joined(world: World, n: int, group: str = "config") -> list[Pair]:
    """n engines, all in the group, all knowing it."""
    pairs = await world.engines(n)
    await asyncio.gather(*(engine.join(group) for engine, _ in pairs))
    everyone = tuple(range(1, n + 1))
    await world.until(lambda: all(recorder.member_nodes(group) == everyone for _, recorder in pairs))
    return pairs


def numbered(prefix: str, count: int) -> list[bytes]:
    return [f"{prefix}-{number:05}".encode() for number in range(count)]


# --- the contract ---------------------------------------------------------------------------------------------------


class EngineContract:
    # 1 and 2: agreed delivery, self-delivery

    async def test_all_members_deliver_the_same_messages_in_the_same_order(self, world: World) -> None:
        pairs = await joined(world, 3)
        for payloads in zip(*(numbered(f"from-{i}", 50) for i in range(3)), strict=True):
            for (engine, _), payload in zip(pairs, payloads, strict=True):
                engine.multicast("config", payload)
        await world.until(lambda: all(len(recorder.payloads("config")) == 150 for _, recorder in pairs))
        assert pairs[0][1].payloads("config") == pairs[1][1].payloads("config") == pairs[2][1].payloads("config")
        check_all(pairs, "config")

    async def test_a_sender_delivers_its_own_messages_first_in_first_out_and_signed_by_the_transport(
        self, world: World
    ) -> None:
        (engine, recorder), (_, other) = await joined(world, 2)
        sent = numbered("mine", 100)
        for payload in sent:
            engine.multicast("config", payload)
        await world.until(lambda: len(recorder.payloads("config")) == len(other.payloads("config")) == 100)
        assert recorder.payloads("config") == other.payloads("config") == sent
        view = recorder.view("config")
        assert view is not None
        me = next(member for member in view.members if member.node_id == 1)
        assert {delivered.sender for delivered in other.deliveries("config")} == {me}

    async def test_a_member_alone_delivers_to_itself(self, world: World) -> None:
        ((engine, recorder),) = await joined(world, 1)
        engine.multicast("config", b"alone")
        await world.until(lambda: recorder.payloads("config") == [b"alone"])
        check_membership_first(recorder, "config", 1)

    async def test_the_largest_message_arrives_whole(self, world: World) -> None:
        (engine, recorder), (_, other) = await joined(world, 2)
        payload = bytes(range(256)) * (MESSAGE_SIZE_MAX // 256)
        engine.multicast("config", payload)
        engine.multicast("config", b"after")
        await world.until(lambda: len(recorder.payloads("config")) == len(other.payloads("config")) == 2)
        assert recorder.payloads("config") == other.payloads("config") == [payload, b"after"]

    async def test_a_message_that_is_too_large_is_refused(self, world: World) -> None:
        ((engine, recorder),) = await joined(world, 1)
        with pytest.raises(InvalidInput):
            engine.multicast("config", bytes(MESSAGE_SIZE_MAX + 1))
        engine.multicast("config", b"small")
        await world.until(lambda: recorder.payloads("config") == [b"small"])

    async def test_a_full_queue_is_busy_and_loses_nothing_it_accepted(self, world: World) -> None:
        pairs = await joined(world, 2)
        payloads = numbered("flood" + "." * 1000, 20_000)
        accepted = await world.flood(0, "config", payloads)
        assert QUEUE_MESSAGES_MAX <= accepted < len(payloads)
        await world.until(lambda: all(len(recorder.payloads("config")) == accepted for _, recorder in pairs))
        assert [recorder.payloads("config") for _, recorder in pairs] == [payloads[:accepted]] * 2

    # 3: membership first

    async def test_one_who_joins_under_load_sees_its_membership_before_any_message(self, world: World) -> None:
        pairs = await world.engines(3)
        (first, recorder), (second, _), (late, late_recorder) = pairs
        await first.join("config")
        await second.join("config")
        await world.until(lambda: recorder.member_nodes("config") == (1, 2))
        sent = 0
        joining = asyncio.ensure_future(late.join("config"))
        while late_recorder.view("config") is None or len(late_recorder.payloads("config")) < 20:
            assert sent < 20_000, "the late one hears nothing"
            for engine in (first, second):
                engine.multicast("config", b"load-%05d" % sent)
                sent += 1
            heard = sent
            await world.until(lambda heard=heard: len(recorder.payloads("config")) == heard)  # type: ignore[misc]
        await joining
        await world.until(lambda: all(r.member_nodes("config") == (1, 2, 3) for _, r in pairs))
        check_membership_first(late_recorder, "config", 3)
        fence = b"fence"
        first.multicast("config", fence)
        await world.until(lambda: all(r.payloads("config")[-1] == fence for _, r in pairs))
        heard_late = late_recorder.payloads("config")
        assert recorder.payloads("config")[-len(heard_late) :] == heard_late, "a newcomer delivers an unbroken tail"
        check_all(pairs, "config")

    async def test_groups_are_apart(self, world: World) -> None:
        (one, one_recorder), (two, two_recorder) = await joined(world, 2, "config")
        await two.join("status")
        await world.until(lambda: two_recorder.member_nodes("status") == (2,))
        two.multicast("status", b"status")
        two.multicast("config", b"config")
        await world.until(lambda: one_recorder.payloads("config") == two_recorder.payloads("config") == [b"config"])
        await world.until(lambda: two_recorder.payloads("status") == [b"status"])
        assert not [e for e in one_recorder.events if isinstance(e, Delivered | GroupChanged) and e.group == "status"]

    async def test_one_who_leaves_is_gone_from_the_view_and_hears_no_more(self, world: World) -> None:
        (stays, recorder), (leaves, left_recorder) = await joined(world, 2)
        await leaves.leave("config")
        await world.until(lambda: recorder.member_nodes("config") == (1,))
        mark = len(left_recorder.events)
        stays.multicast("config", b"unheard")
        await world.until(lambda: recorder.payloads("config") == [b"unheard"])
        assert left_recorder.payloads("config") == []
        await leaves.join("config")
        await world.until(lambda: recorder.member_nodes("config") == left_recorder.member_nodes("config") == (1, 2))
        stays.multicast("config", b"heard")
        await world.until(lambda: left_recorder.payloads("config", mark) == [b"heard"])

    # 4: rings; agreed delivery across changes of membership

    async def test_a_dead_process_leaves_the_view_of_the_others(self, world: World) -> None:
        pairs = await joined(world, 3)
        for i, (engine, _) in enumerate(pairs):
            for payload in numbered(f"from-{i}", 20):
                engine.multicast("config", payload)
        await world.kill(2)
        survivors = pairs[:2]
        await world.until(lambda: all(recorder.member_nodes("config") == (1, 2) for _, recorder in survivors))
        survivors[0][0].multicast("config", b"fence")
        await world.until(lambda: all(recorder.payloads("config")[-1:] == [b"fence"] for _, recorder in survivors))
        assert survivors[0][1].payloads("config") == survivors[1][1].payloads("config")
        check_all(pairs, "config")

    async def test_a_split_gives_each_side_its_own_view_and_a_heal_gives_one_again(self, world: World) -> None:
        if not world.can_split:
            pytest.skip("this world cannot split")
        pairs = await joined(world, 3)
        before = [_ring(recorder) for _, recorder in pairs]
        assert len(set(before)) == 1
        await world.split([[0], [1, 2]])
        await world.until(lambda: [r.member_nodes("config") for _, r in pairs] == [(1,), (2, 3), (2, 3)])
        for i, (engine, _) in enumerate(pairs):
            engine.multicast("config", f"split-{i}".encode())
        await world.until(lambda: [len(r.payloads("config")) for _, r in pairs] == [1, 2, 2])
        await world.until(lambda: _ring(pairs[1][1]) == _ring(pairs[2][1]) != before[1])
        assert _ring(pairs[0][1]) != _ring(pairs[1][1]), "two sides share a ring"
        await world.heal()
        await world.until(lambda: all(r.member_nodes("config") == (1, 2, 3) for _, r in pairs))
        await world.until(lambda: len({_ring(r) for _, r in pairs}) == 1)
        assert _ring(pairs[0][1]).sequence > max(ring.sequence for ring in before)
        pairs[0][0].multicast("config", b"healed")
        await world.until(lambda: all(r.payloads("config")[-1:] == [b"healed"] for _, r in pairs))
        check_all(pairs, "config")

    async def test_order_and_views_hold_under_load_through_split_and_heal(self, world: World) -> None:
        if not world.can_split:
            pytest.skip("this world cannot split")
        pairs = await joined(world, 3)
        stop = False

        async def load(i: int) -> int:
            engine, sent = pairs[i][0], 0
            while not stop:
                try:
                    engine.multicast("config", f"{i}-{sent:06}".encode())
                except Busy:
                    await world.pause()
                    continue
                sent += 1
                await world.pause()
            return sent

        loads = [asyncio.ensure_future(load(i)) for i in range(3)]
        await world.until(lambda: all(len(r.payloads("config")) > 50 for _, r in pairs))
        await world.split([[0, 1], [2]])
        await world.until(lambda: [r.member_nodes("config") for _, r in pairs] == [(1, 2), (1, 2), (3,)])
        await world.heal()
        await world.until(lambda: all(r.member_nodes("config") == (1, 2, 3) for _, r in pairs))
        stop = True
        counts = await asyncio.gather(*loads)
        for i, (engine, _) in enumerate(pairs):
            engine.multicast("config", f"fence-{i}".encode())
        fences = {b"fence-0", b"fence-1", b"fence-2"}
        await world.until(lambda: all(fences <= set(r.payloads("config")) for _, r in pairs))
        check_all(pairs, "config")
        assert check_view_synchrony([pairs[0][1], pairs[1][1]], "config") >= 2, "two that stayed together share views"
        for i, (_, recorder) in enumerate(pairs):
            own = [p for p in recorder.payloads("config") if p.startswith(f"{i}-".encode())]
            assert own == [f"{i}-{number:06}".encode() for number in range(counts[i])], "a sender lost one of its own"

    async def test_a_new_ring_with_the_same_members_is_told_again(self, world: World) -> None:
        if not world.can_split:
            pytest.skip("this world cannot split")
        pairs = await world.engines(3)
        for engine, _ in pairs[:2]:
            await engine.join("config")
        await world.until(lambda: all(r.member_nodes("config") == (1, 2) for _, r in pairs[:2]))
        before = _ring(pairs[0][1])
        await world.split([[0, 1], [2]])
        await world.until(lambda: all(_ring(r).sequence > before.sequence for _, r in pairs[:2]))
        assert [r.member_nodes("config") for _, r in pairs[:2]] == [(1, 2), (1, 2)]
        check_all(pairs, "config")

    # 5: quorum apart

    async def test_quorum_and_group_come_to_name_the_same_ring(self, world: World) -> None:
        pairs = await joined(world, 3)
        await world.until(lambda: all(recorder.settled("config") for _, recorder in pairs))
        for _, recorder in pairs:
            told = recorder.quorum()
            assert told is not None
            assert told.nodes == (1, 2, 3)
            assert (told.quorum.quorate, told.quorum.total_votes, told.quorum.expected_votes) == (True, 3, 3)
            assert told.quorum.quorum == 2

    async def test_a_minority_hears_that_it_lost_quorum_and_a_majority_keeps_it(self, world: World) -> None:
        if not world.can_split:
            pytest.skip("this world cannot split")
        pairs = await joined(world, 3)
        await world.split([[0], [1, 2]])

        def split_told() -> bool:
            told = [recorder.quorum() for _, recorder in pairs]
            return [quorum.nodes if quorum else () for quorum in told] == [(1,), (2, 3), (2, 3)]

        await world.until(lambda: split_told() and all(recorder.settled("config") for _, recorder in pairs))
        told = [recorder.quorum() for _, recorder in pairs]
        assert [quorum.quorum.quorate for quorum in told if quorum] == [False, True, True]
        assert [quorum.quorum.total_votes for quorum in told if quorum] == [1, 2, 2]
        await world.heal()
        await world.until(lambda: all((q := r.quorum()) is not None and q.nodes == (1, 2, 3) for _, r in pairs))
        await world.until(lambda: all(recorder.settled("config") for _, recorder in pairs))
        assert all((q := recorder.quorum()) is not None and q.quorum.quorate for _, recorder in pairs)

    # 6: loss; start, stop, status

    async def test_a_lost_transport_is_told_last_and_a_fresh_start_works(self, world: World) -> None:
        if not world.can_lose:
            pytest.skip("this world cannot lose its transport")
        pairs = await joined(world, 2)
        engine, recorder = pairs[1]
        await world.lose(1)
        await world.until(recorder.lost)
        lost = recorder.events[-1]
        assert isinstance(lost, EngineLost) and lost.reason
        with pytest.raises(QuireError):
            engine.multicast("config", b"nobody hears this")
        assert not (await engine.status()).running
        mark = len(recorder.events)
        await world.restore(1)
        await engine.start(recorder)
        late = [e for e in recorder.events[mark:] if isinstance(e, Delivered | GroupChanged)]
        assert not late, "news of a group that this life has not joined"
        await engine.join("config")
        await world.until(lambda: all(r.member_nodes("config") == (1, 2) for _, r in pairs))
        pairs[0][0].multicast("config", b"again")
        await world.until(lambda: recorder.payloads("config", mark) == [b"again"])

    async def test_a_stopped_engine_leaves_its_groups_and_may_be_stopped_twice(self, world: World) -> None:
        pairs = await joined(world, 2)
        engine, recorder = pairs[1]
        await engine.stop()
        await engine.stop()
        await world.until(lambda: pairs[0][1].member_nodes("config") == (1,))
        assert not recorder.lost(), "a stop that was asked for is no loss"
        with pytest.raises(QuireError):
            engine.multicast("config", b"nobody hears this")

    async def test_status_agrees_with_what_was_told(self, world: World) -> None:
        pairs = await joined(world, 3)
        await world.until(lambda: all(recorder.settled("config") for _, recorder in pairs))
        for i, (engine, recorder) in enumerate(pairs):
            status = await engine.status()
            told = recorder.quorum()
            assert told is not None
            assert (status.running, status.node_id) == (True, i + 1)
            assert (status.ring, status.nodes) == (told.ring, told.nodes)
            assert status.quorum is not None
            assert (status.quorum.quorate, status.quorum.total_votes) == (True, 3)
            assert status.votes == {1: 1, 2: 1, 3: 1}

    async def test_links_to_all_peers_are_measured_and_unknown_ones_left_out(self, world: World) -> None:
        pairs = await joined(world, 2)
        await world.until(lambda: all(recorder.settled("config") for _, recorder in pairs))
        measured = await pairs[0][0].measure([(2, 0), (9, 0), (2, 7)])
        assert measured is not None
        assert [(count.peer_id, count.link, count.connected) for count in measured.links] == [(2, 0, True)]
        await pairs[0][0].stop()
        assert await pairs[0][0].measure([(2, 0)]) == Measured()

    async def test_it_says_which_version_of_the_configuration_it_runs(self, world: World) -> None:
        pairs = await joined(world, 2)
        engine = pairs[0][0]
        assert await engine.config_version() == (await engine.status()).config_version


def _ring(recorder: Recorder) -> RingId:
    view = recorder.view("config")
    assert view is not None
    return view.ring
