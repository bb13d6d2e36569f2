"""Memberships and rings of CPG joined into views, in every order that corosync was seen to use, and in some others."""

from __future__ import annotations

from cluster.corosync.cpg import CpgEvent, Membership, Message, Ring
from cluster.engine.base import Delivered, EngineEvent, GroupChanged, LinkStatus
from cluster.engine.corosync_group import Views
from cluster.engine.corosync_status import read_links
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


def test_links_are_read_from_the_statistics_of_other_nodes() -> None:
    statistics = {
        "stats.knet.node1.link0.enabled": 1,
        "stats.knet.node1.link0.connected": 1,
        "stats.knet.node2.link0.enabled": 1,
        "stats.knet.node2.link0.connected": 1,
        "stats.knet.node2.link0.latency_ave": 250,
        "stats.knet.node2.link0.latency_max": 900,
        "stats.knet.node2.link1.enabled": 1,
        "stats.knet.node2.link1.connected": 0,
        "stats.knet.node2.link1.latency_ave": 0,
        "stats.knet.node3.link0.enabled": 0,
        "stats.knet.handle.rx_crypt_packets": 194,
    }
    assert read_links(statistics, local_node_id=1) == (LinkStatus(2, 0, True, 250), LinkStatus(2, 1, False, None))
