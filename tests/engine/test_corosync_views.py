"""Memberships and rings of CPG joined into views, in every order that corosync was seen to use, and in some others."""

from __future__ import annotations

from typing import ClassVar, cast

from cluster.corosync.cfg import Cfg, KnetLink, NodeStatus
from cluster.corosync.cmap import Cmap
from cluster.corosync.cpg import CpgEvent, Membership, Message, Ring
from cluster.engine.base import Delivered, EngineEvent, GroupChanged, LinkStatus
from cluster.engine.corosync_group import Views
from cluster.engine.corosync_status import read_links
from cluster.errors import CorosyncError
from cluster.model import Member, RingId

A, B, C = Member(1, 10), Member(2, 20), Member(3, 30)
OLD, NEW = RingId(4, 1), RingId(8, 1)


def told(*events: CpgEvent) -> list[EngineEvent]:
    views = Views("config")
    return [event for each in events for event in views.take(each)]


def view(ring: RingId, *members: Member) -> GroupChanged:
    return GroupChanged("config", ring, members)


def changed(*members: Member, with_ring: bool = False) -> Membership:
    return Membership(members, with_ring)


def ring(ring_id: RingId) -> Ring:
    return Ring(ring_id, (1, 2, 3))


def test_the_first_view_waits_for_its_ring() -> None:
    assert told(changed(A)) == []
    assert told(changed(A), ring(OLD)) == [view(OLD, A)]
    assert told(ring(OLD), changed(A)) == [view(OLD, A)]


def test_a_process_that_comes_or_goes_is_told_at_once_in_the_same_ring() -> None:
    assert told(changed(A), ring(OLD), changed(A, B), changed(A)) == [view(OLD, A), view(OLD, A, B), view(OLD, A)]


def test_members_that_go_with_a_ring_are_told_once_and_with_the_new_ring() -> None:
    split = told(changed(A, B), ring(OLD), changed(A, with_ring=True), ring(NEW))
    assert split == [view(OLD, A, B), view(NEW, A)]
    in_two_steps = told(
        changed(A), ring(OLD), changed(A, B, with_ring=True), changed(A, B, C, with_ring=True), ring(NEW)
    )
    assert in_two_steps == [view(OLD, A), view(NEW, A, B, C)]


def test_a_new_ring_alone_is_told_with_the_same_members() -> None:
    assert told(changed(A, B), ring(OLD), ring(NEW)) == [view(OLD, A, B), view(NEW, A, B)]


def test_the_same_view_is_not_told_twice() -> None:
    assert told(changed(A), ring(OLD), ring(OLD), changed(A)) == [view(OLD, A)]


def test_messages_keep_their_place_among_the_views() -> None:
    message, delivered = Message(B, b"x"), Delivered("config", B, b"x")
    assert told(changed(A, B), ring(OLD), message, ring(NEW), message) == [
        view(OLD, A, B),
        delivered,
        view(NEW, A, B),
        delivered,
    ]
    assert told(changed(A, B, C), ring(OLD), changed(A, B, with_ring=True), message, ring(NEW)) == [
        view(OLD, A, B, C),
        view(OLD, A, B),
        delivered,
        view(NEW, A, B),
    ], "a message is never told before the view it belongs to"


class PlayedLibraries:
    """Of cfg and cmap what links are read from; node 4 is not known yet. Counts what it is asked."""

    figures: ClassVar = {"stats.knet.node2.link0.latency_ave": 250, "stats.knet.node2.link1.latency_ave": 0}
    links: ClassVar = {2: ((0, True), (1, False)), 3: ((0, True),)}

    def __init__(self) -> None:
        self.asked = 0

    def node_status(self, node_id: int) -> NodeStatus:
        self.asked += 1
        if node_id not in self.links:
            raise CorosyncError("corosync_cfg_node_status_get", "CS_ERR_NOT_EXIST")
        links = (KnetLink(number, connected, 1397, "", "") for number, connected in self.links[node_id])
        return NodeStatus(node_id, True, tuple(links))

    def number(self, key: str) -> int | None:
        self.asked += 1
        return self.figures.get(key)


def test_links_are_read_with_a_question_for_each_node_and_each_link() -> None:
    played = PlayedLibraries()
    links = read_links(cast(Cfg, played), cast(Cmap, played), [2, 3, 4])
    assert links == (LinkStatus(2, 0, True, 250), LinkStatus(2, 1, False, None), LinkStatus(3, 0, True, None))
    assert played.asked == 3 + 3
