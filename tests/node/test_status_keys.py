"""Status by key: what a node says of itself is known to all, in its newest form, and bounded."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cluster.engine.base import Delivered, GroupChanged
from cluster.errors import Busy, InvalidInput
from cluster.model import Member, RingId
from cluster.node.board import Board
from cluster.node.board_messages import GROUP, KeySet
from cluster.node.status_keys import BYTES_MAX, KEY_BYTES_MAX, KEYS_MAX, VALUE_BYTES_MAX, StatusKeys
from tests.cast import ALPHA, BETA, GAMMA, NODES


class Cluster:
    """Keys and boards of all nodes, with a status group between those that are together."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.together: set[int] = set()
        self.keys: dict[int, StatusKeys] = {}
        self.boards: dict[int, Board] = {}
        self.waiting: list[tuple[int, bytes]] = []
        for node in NODES:
            self.start(node.node_id)

    def start(self, node_id: int) -> None:
        keys = StatusKeys(lambda: node_id, lambda: self.now_s, self.sayer(node_id))
        self.keys[node_id] = keys
        self.boards[node_id] = Board(
            lambda: self.now_s, lambda: None, keys.share, lambda entries: None, key_set=keys.hear
        )

    def sayer(self, node_id: int) -> Callable[[bytes], None]:
        def say(payload: bytes) -> None:
            if node_id in self.together:
                self.waiting.append((node_id, payload))

        return say

    def view(self, *node_ids: int) -> None:
        self.together = set(node_ids)
        event = GroupChanged(GROUP, RingId(1, 1), tuple(Member(node_id, 1) for node_id in node_ids))
        for node_id in node_ids:
            self.boards[node_id].hear(event)
        self.deliver()

    def deliver(self) -> None:
        while self.waiting:
            sender, payload = self.waiting.pop(0)
            for node_id in sorted(self.together):
                self.boards[node_id].hear(Delivered(GROUP, Member(sender, 1), payload))

    def set(self, node_id: int, key: str, data: bytes) -> None:
        self.keys[node_id].set(key, data)
        self.deliver()

    def known(self, of: int, key: str) -> list[bytes | None]:
        return [self.keys[node.node_id].get(of, key) for node in NODES]


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster()
    cluster.view(*(node.node_id for node in NODES))
    return cluster


def test_what_a_node_says_is_known_to_all_as_its_own(cluster: Cluster) -> None:
    cluster.set(ALPHA.node_id, "tasklist", b"[1]")
    cluster.set(BETA.node_id, "tasklist", b"[2]")
    assert cluster.known(ALPHA.node_id, "tasklist") == [b"[1]"] * 3
    assert cluster.known(BETA.node_id, "tasklist") == [b"[2]"] * 3
    assert cluster.known(GAMMA.node_id, "tasklist") == [None] * 3


def test_each_update_counts_also_one_to_the_same_value(cluster: Cluster) -> None:
    for count in range(4):
        cluster.set(ALPHA.node_id, "kv/beat", b"alive")
        for node in NODES:
            assert cluster.keys[node.node_id].versions(ALPHA.node_id) == {"kv/beat": count}


def test_nothing_takes_a_key_back_everywhere(cluster: Cluster) -> None:
    cluster.set(ALPHA.node_id, "kv/x", b"1")
    cluster.set(ALPHA.node_id, "kv/x", b"")
    assert cluster.known(ALPHA.node_id, "kv/x") == [None] * 3
    assert cluster.keys[BETA.node_id].versions(ALPHA.node_id) == {}


def test_who_comes_back_hears_everything_and_for_the_others_nothing_changes(cluster: Cluster) -> None:
    cluster.set(ALPHA.node_id, "kv/x", b"1")
    cluster.view(ALPHA.node_id, BETA.node_id)
    cluster.set(ALPHA.node_id, "kv/x", b"2")
    cluster.start(GAMMA.node_id)
    cluster.view(*(node.node_id for node in NODES))
    assert cluster.known(ALPHA.node_id, "kv/x") == [b"2"] * 3
    assert cluster.keys[BETA.node_id].versions(ALPHA.node_id) == {"kv/x": 1}
    assert cluster.keys[GAMMA.node_id].versions(ALPHA.node_id) == {"kv/x": 0}


def test_what_an_absent_node_said_last_stays_until_it_is_removed(cluster: Cluster) -> None:
    cluster.set(GAMMA.node_id, "kv/x", b"1")
    cluster.view(ALPHA.node_id, BETA.node_id)
    assert cluster.keys[ALPHA.node_id].get(GAMMA.node_id, "kv/x") == b"1"
    cluster.keys[ALPHA.node_id].forget(frozenset({ALPHA.node_id, BETA.node_id}))
    assert cluster.keys[ALPHA.node_id].get(GAMMA.node_id, "kv/x") is None


def test_readings_are_lines_of_their_own_for_five_minutes(cluster: Cluster) -> None:
    cluster.set(ALPHA.node_id, "rrd/pve2-vm/100", b"1:2:3\0")
    cluster.set(BETA.node_id, "rrd/pve2-vm/200", b"4:5:6")
    for node in NODES:
        keys = cluster.keys[node.node_id]
        assert sorted(keys.rrd()) == [("pve2-vm/100", "1:2:3"), ("pve2-vm/200", "4:5:6")]
        assert keys.versions(ALPHA.node_id) == {}
    cluster.now_s += 301
    cluster.set(BETA.node_id, "rrd/pve2-vm/200", b"7:8:9")
    assert list(cluster.keys[GAMMA.node_id].rrd()) == [("pve2-vm/200", "7:8:9")]


@pytest.mark.parametrize(
    ("key", "data"),
    [("", b"x"), ("k" * (KEY_BYTES_MAX + 1), b"x"), ("two\nlines", b"x"), ("k", b"x" * (VALUE_BYTES_MAX + 1))],
)
def test_what_has_no_fitting_key_or_is_too_large_is_refused(cluster: Cluster, key: str, data: bytes) -> None:
    with pytest.raises(InvalidInput):
        cluster.set(ALPHA.node_id, key, data)
    assert cluster.keys[ALPHA.node_id].versions(ALPHA.node_id) == {}


def test_no_node_can_fill_the_others(cluster: Cluster) -> None:
    for number in range(BYTES_MAX // VALUE_BYTES_MAX):
        cluster.set(ALPHA.node_id, f"k{number}", b"x" * VALUE_BYTES_MAX)
    with pytest.raises(Busy):
        cluster.set(ALPHA.node_id, "more", b"x")
    cluster.set(ALPHA.node_id, "k0", b"")
    cluster.set(ALPHA.node_id, "more", b"x")
    heard = cluster.keys[BETA.node_id]
    for number in range(KEYS_MAX + 5):  # from a node that keeps to nothing
        heard.hear(GAMMA.node_id, KeySet(f"k{number}", b"x", number))
    heard.hear(GAMMA.node_id, KeySet("k0", b"x" * (VALUE_BYTES_MAX + 1), 9999))
    assert len(heard.versions(GAMMA.node_id)) == KEYS_MAX
    assert heard.get(GAMMA.node_id, "k0") == b"x"
