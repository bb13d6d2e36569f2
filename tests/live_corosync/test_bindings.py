"""Each binding against three real corosyncs, called on alpha; what they say must agree with corosync's own tools."""

from __future__ import annotations

import os
import re
import select
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

import pytest

from cluster.corosync.cfg import Cfg
from cluster.corosync.cmap import Cmap, Map
from cluster.corosync.cpg import Cpg, CpgEvent, Membership, Message, Ring
from cluster.corosync.quorum import NodelistNotice, QuorumNotice, QuorumTracker
from cluster.corosync.votequorum import Votequorum, VotesTracker
from cluster.engine.base import MESSAGE_SIZE_MAX
from cluster.engine.corosync_status import read_status
from cluster.errors import CorosyncError, Unavailable
from cluster.model import Member
from lab import Lab, corosync
from lab.inside import run_inside

pytestmark = pytest.mark.corosync
H = TypeVar("H", Cfg, Votequorum)
T = TypeVar("T")


@pytest.fixture(scope="module")
def ring(hosts: Lab) -> Iterator[Lab]:
    corosync.configure(hosts)
    corosync.start(hosts)
    corosync.wait_quorate(hosts)
    yield hosts


def ask(lab: Lab, connect: Callable[[], H], question: Callable[[H], T]) -> T:
    """The answer to one question put on alpha, over a connection of its own."""

    def use() -> T:
        with closing(connect()) as handle:
            return question(handle)

    return run_inside(lab, "alpha", use)


def readable(fd: int, timeout_s: float = 10) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(timeout_s * 1000))


def collect(cpg: Cpg, enough: Callable[[list[CpgEvent]], bool], timeout_s: float = 10) -> list[CpgEvent]:
    events: list[CpgEvent] = []
    deadline_s = time.monotonic() + timeout_s
    while not enough(events):
        assert time.monotonic() < deadline_s, f"only this came: {events}"
        readable(cpg.fd(), 0.1)
        events += cpg.dispatch(100)
    return events


def test_a_group_tells_membership_then_ring_then_messages(ring: Lab) -> None:
    def use() -> list[CpgEvent]:
        with closing(Cpg()) as cpg:
            assert cpg.local_node_id() == 1
            assert cpg.message_size_max() >= MESSAGE_SIZE_MAX
            cpg.join("binding")
            with pytest.raises(CorosyncError, match="CS_ERR_EXIST"):
                cpg.join("binding")
            assert cpg.multicast(b"one") and cpg.multicast(b"\0" * 100_000)
            return collect(cpg, lambda events: len(events) >= 4)

    events = run_inside(ring, "alpha", use)
    me = Member(1, os.getpid())
    assert events[0] == Membership((me,), with_ring=False)
    assert isinstance(events[1], Ring)
    assert (events[1].ring.representative, events[1].nodes) == (1, (1, 2, 3))
    assert events[2:] == [Message(me, b"one"), Message(me, b"\0" * 100_000)]


def test_dispatch_hands_out_no_more_than_asked_for_and_the_rest_later(ring: Lab) -> None:
    def use() -> None:
        with closing(Cpg()) as cpg:
            cpg.join("binding")
            collect(cpg, lambda events: any(isinstance(event, Ring) for event in events))
            for number in range(10):
                assert cpg.multicast(b"%d" % number)
            heard: list[CpgEvent] = []
            while len(heard) < 10:
                assert readable(cpg.fd()), f"the descriptor fell silent after {heard}"
                some = cpg.dispatch(3)
                assert len(some) <= 3
                heard += some
            assert [event.payload for event in heard if isinstance(event, Message)] == [b"%d" % n for n in range(10)]
            assert cpg.dispatch(3) == []

    run_inside(ring, "alpha", use)


def test_quorum_names_the_ring_that_the_group_names(ring: Lab) -> None:
    def use() -> tuple[list[QuorumNotice | NodelistNotice], list[CpgEvent]]:
        with closing(QuorumTracker()) as tracker, closing(Cpg()) as cpg:
            notices: list[QuorumNotice | NodelistNotice] = []
            while not any(isinstance(notice, QuorumNotice) for notice in notices):
                assert readable(tracker.fd())
                notices += tracker.dispatch(10)
            cpg.join("binding")
            return notices, collect(cpg, lambda events: any(isinstance(event, Ring) for event in events))

    notices, events = run_inside(ring, "alpha", use)
    notice = notices[-1]
    told = next(event for event in events if isinstance(event, Ring))
    assert notice == QuorumNotice(True, told.ring, (1, 2, 3))


def test_votes_are_those_of_the_quorum_tool(ring: Lab) -> None:
    with_tool = ring.output("alpha", ["corosync-quorumtool", "-s"])
    info = ask(ring, Votequorum, Votequorum.info)
    assert f"Expected votes:   {info.expected_votes}\n" in with_tool
    assert f"Highest expected: {info.highest_expected}\n" in with_tool
    assert f"Total votes:      {info.total_votes}\n" in with_tool
    assert re.search(rf"^Quorum: +{info.quorum} *$", with_tool, re.MULTILINE)
    assert re.search(rf"^Flags: +{' '.join(info.flag_names)} *$", with_tool, re.MULTILINE)
    assert (info.node_id, info.member, info.quorate, info.qdevice_name) == (1, True, True, "")
    known = ask(ring, Votequorum, lambda votequorum: votequorum.infos((1, 2, 3, 77)))
    votes = {node_id: info.votes for node_id, info in known.items()}
    assert votes == {1: 1, 2: 1, 3: 1}


def test_a_change_of_expected_votes_is_noticed(ring: Lab) -> None:
    def use() -> tuple[int, int]:
        with closing(VotesTracker()) as tracker, closing(Votequorum()) as votequorum:
            tracker.dispatch(100)
            votequorum.set_expected(5)
            assert readable(tracker.fd())
            assert tracker.dispatch(100) >= 1
            raised = votequorum.info().expected_votes
            votequorum.set_expected(3)
            return raised, votequorum.info().expected_votes

    assert run_inside(ring, "alpha", use) == (5, 3)


def test_the_map_gives_values_of_every_kind_in_use(ring: Lab) -> None:
    def use() -> None:
        with closing(Cmap()) as cmap:
            assert cmap.get("totem.cluster_name") == ring.name[:15]
            assert cmap.get("totem.token") == 1000
            assert cmap.get("no.such.key") is None
            assert cmap.get("nodelist.local_node_pos") == 0
            assert [cmap.get(f"nodelist.node.{i}.name") for i in range(3)] == ["alpha", "beta", "gamma"]
            assert cmap.get("nodelist.node.2.ring1_addr") == ring.address("gamma", 1)
            assert "nodelist.node.2.nodeid" in list(cmap.keys("nodelist.node."))
            assert list(cmap.keys("nothing.begins.so")) == []
        with closing(Cmap(Map.STATISTICS)) as statistics:
            assert statistics.get("stats.knet.node2.link0.connected") == 1
            assert isinstance(statistics.get("stats.srp.orf_token_tx"), int)

    run_inside(ring, "alpha", use)


def test_links_are_those_of_the_configuration_tool(ring: Lab) -> None:
    with_tool = ring.output("alpha", ["corosync-cfgtool", "-n"])

    def use() -> None:
        with closing(Cfg()) as cfg:
            assert cfg.local_node_id() == 1
            beta = cfg.node_status(2)
            assert (beta.node_id, beta.reachable, len(beta.links)) == (2, True, 2)
            for link in beta.links:
                state = "connected " if link.connected else ""
                line = f"LINK: {link.number} udp ({link.source}->{link.destination}) enabled {state}mtu: {link.mtu}\n"
                assert line in with_tool
            with pytest.raises(CorosyncError):
                cfg.node_status(77)

    run_inside(ring, "alpha", use)


def test_status_is_the_whole_picture(ring: Lab) -> None:
    status = run_inside(ring, "beta", read_status)
    assert (status.running, status.node_id, status.nodes) == (True, 2, (1, 2, 3))
    assert status.votes == {1: 1, 2: 1, 3: 1}
    assert status.quorum is not None and status.quorum.flags == ("Quorate",)
    ring_id = re.search(r"^Ring ID: +(\w+)\.(\w+)", ring.output("beta", ["corosync-quorumtool", "-s"]), re.MULTILINE)
    assert ring_id is not None and status.ring is not None
    assert (status.ring.representative, status.ring.sequence) == (int(ring_id[1], 16), int(ring_id[2], 16))
    assert [(link.peer_node_id, link.link) for link in status.links] == [(1, 0), (1, 1), (3, 0), (3, 1)]
    assert all(link.connected and link.latency_us for link in status.links)


def test_a_node_can_be_ended_from_another_and_its_handles_say_so(ring: Lab) -> None:
    joined = threading.Event()

    def watch() -> str:
        with closing(Cpg()) as cpg:
            cpg.join("binding")
            joined.set()
            deadline_s = time.monotonic() + 20
            while time.monotonic() < deadline_s:
                readable(cpg.fd(), 0.1)
                try:
                    cpg.dispatch(100)
                except CorosyncError as error:
                    return error.status
            return "nothing"

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(run_inside, ring, "gamma", watch)
        assert joined.wait(10)
        ask(ring, Cfg, lambda cfg: cfg.kill_node(3, "asked for by a test"))
        assert watching.result(30) == "CS_ERR_LIBRARY"
    with pytest.raises(Unavailable):
        run_inside(ring, "gamma", read_status)
