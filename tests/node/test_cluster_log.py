"""The cluster log: the same on all nodes, newest first, each entry once, and never more than fits."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cluster.engine.base import Delivered, GroupChanged
from cluster.model import Member, RingId, TaskState
from cluster.node.board import Board
from cluster.node.board_messages import GROUP, LogEntry, Logged, encode
from cluster.node.cluster_log import BYTES_MAX, ENTRIES_MAX, ClusterLog
from tests.cast import ALICE, ALPHA, BETA, BOB, GAMMA, NODES


class Cluster:
    """Logs and boards of all nodes, with a status group between those that are together."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.together: set[int] = set()
        self.waiting: list[tuple[int, bytes]] = []
        self.said = 0
        self.logs: dict[int, ClusterLog] = {}
        self.boards: dict[int, Board] = {}
        for node in NODES:
            self.start(node.node_id, node.name)

    def start(self, node_id: int, name: str) -> None:
        log = ClusterLog(name, lambda: self.now_s, self.sayer(node_id))
        board = Board(lambda: self.now_s, lambda: None, lambda: self.met(node_id), log.hear)
        self.logs[node_id], self.boards[node_id] = log, board

    def sayer(self, node_id: int) -> Callable[[bytes], None]:
        def say(payload: bytes) -> None:
            if node_id in self.together:
                self.waiting.append((node_id, payload))

        return say

    def met(self, node_id: int) -> None:
        board = self.boards[node_id]
        self.logs[node_id].share(node_id, board.members_before, board.members)

    def view(self, *node_ids: int) -> None:
        """These are together from now on, and the others each alone and unheard."""
        self.together = set(node_ids)
        event = GroupChanged(GROUP, RingId(1, 1), tuple(Member(node_id, 1) for node_id in node_ids))
        for node_id in node_ids:
            self.boards[node_id].hear(event)
        self.settle()

    def settle(self) -> None:
        while self.waiting:
            sender, payload = self.waiting.pop(0)
            self.said += 1
            for node_id in self.together:
                self.boards[node_id].hear(Delivered(GROUP, Member(sender, 1), payload))

    def write(self, node_id: int, message: str) -> None:
        self.now_s += 1
        self.logs[node_id].write(message, user=ALICE)
        self.settle()

    def messages(self, node_id: int) -> list[str]:
        return [row["msg"] for row in self.logs[node_id].rows(ENTRIES_MAX)]


A, B, C = ALPHA.node_id, BETA.node_id, GAMMA.node_id


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def test_what_one_node_writes_all_see_newest_first(cluster: Cluster) -> None:
    cluster.view(A, B, C)
    cluster.write(A, "first")
    cluster.write(C, "second")
    assert [cluster.messages(node) for node in (A, B, C)] == [["second", "first"]] * 3


def test_a_newcomer_learns_what_was_before_and_brings_what_it_had(cluster: Cluster) -> None:
    cluster.view(A, B)
    cluster.write(A, "together")
    cluster.write(C, "alone")
    cluster.view(A, B, C)
    assert [cluster.messages(node) for node in (A, B, C)] == [["alone", "together"]] * 3


def test_when_nodes_meet_one_of_each_side_speaks(cluster: Cluster) -> None:
    cluster.view(A, B)
    cluster.write(A, "x")
    cluster.said = 0
    cluster.view(A, B, C)
    assert cluster.said == 1  # gamma had nothing to say, and beta left it to alpha


def test_sides_that_were_apart_end_with_the_same_log(cluster: Cluster) -> None:
    cluster.view(A, B, C)
    cluster.write(A, "before")
    cluster.view(A, B)
    cluster.write(B, "majority")
    cluster.together = set()
    cluster.write(C, "minority")
    cluster.boards[C].lost()
    cluster.view(A, B, C)
    assert [cluster.messages(node) for node in (A, B, C)] == [["minority", "majority", "before"]] * 3


def test_a_daemon_that_starts_again_gets_its_own_entries_back(cluster: Cluster) -> None:
    cluster.view(A, B)
    cluster.write(A, "old life")
    cluster.view(B)
    cluster.start(A, ALPHA.name)
    cluster.now_s += 1
    cluster.logs[A].write("new life")
    cluster.view(A, B)
    assert cluster.messages(A) == cluster.messages(B) == ["new life", "old life"]


def test_hearing_an_entry_again_adds_nothing(cluster: Cluster) -> None:
    entry = LogEntry(1, 5, 6, "cluster", 1, "beta", BOB, "once")
    for _ in range(3):
        cluster.logs[A].hear((entry,))
    assert cluster.messages(A) == ["once"]


def test_entries_of_one_second_keep_their_order(cluster: Cluster) -> None:
    for number in range(5):
        cluster.logs[A].write(f"{number}")
    assert cluster.messages(A) == ["4", "3", "2", "1", "0"]


def test_old_entries_give_way_to_new_ones(cluster: Cluster) -> None:
    for number in range(ENTRIES_MAX + 50):
        cluster.write(A, f"{number}")
    kept = cluster.messages(A)
    assert (len(kept), kept[0], kept[-1]) == (ENTRIES_MAX, str(ENTRIES_MAX + 49), "50")
    cluster.logs[A].hear((LogEntry(1, 1, 6, "t", 1, "beta", BOB, "ancient"),))
    assert cluster.messages(A) == kept


def test_large_entries_give_way_by_their_size(cluster: Cluster) -> None:
    for _ in range(100):
        cluster.write(A, "x" * 10_000)
    kept = cluster.messages(A)
    assert all(len(message) == 4000 for message in kept)
    assert len(kept) > 20 and sum(map(len, kept)) <= BYTES_MAX


@pytest.mark.parametrize(
    "entry",
    [
        LogEntry(1, 5, 8, "t", 1, "beta", BOB, "a priority that is none"),
        LogEntry(1, 5, 6, "t" * 300, 1, "beta", BOB, "x"),
        LogEntry(1, 5, 6, "t", 1, "beta", BOB, "x" * 5000),
    ],
)
def test_an_entry_that_nobody_writes_is_not_taken_over(cluster: Cluster, entry: LogEntry) -> None:
    cluster.logs[A].hear((entry,))
    assert cluster.messages(A) == []


def test_nonsense_in_the_status_group_is_passed_over(cluster: Cluster) -> None:
    cluster.view(A, B)
    for payload in (b"", b"\xc1", encode(Logged(()))[:-1], b"\x92\xa6Logged\x91\x91\x01"):
        cluster.boards[A].hear(Delivered(GROUP, Member(B, 1), payload))
    assert cluster.messages(A) == []


def test_t57_an_entry_is_one_line_whatever_was_in_it(cluster: Cluster) -> None:
    cluster.write(A, "a\nb\x1b[31mc\x7f ü \u202e")
    assert cluster.messages(A) == ["a#010b#027[31mc#127 ü "]


def test_rows_have_the_fields_clients_read(cluster: Cluster) -> None:
    cluster.view(A, B)
    cluster.write(A, "hello")
    row = cluster.logs[B].rows(1)[0]
    assert {name: row[name] for name in ("uid", "time", "pri", "tag", "node", "user", "msg")} == {
        "uid": 1, "time": 1001, "pri": 6, "tag": "cluster", "node": "alpha", "user": ALICE, "msg": "hello",
    }  # fmt: skip
    assert row["pid"] > 0


def test_a_user_may_be_shown_what_it_did_itself(cluster: Cluster) -> None:
    cluster.logs[A].write("hers", user=ALICE)
    cluster.logs[A].write("his", user=BOB)
    assert [row["msg"] for row in cluster.logs[A].rows(50, ALICE)] == ["hers"]
    assert [row["msg"] for row in cluster.logs[A].rows(1)] == ["his"]


@pytest.mark.parametrize(("status", "priority"), [("OK", 6), ("WARNINGS: 2", 6), ("it failed", 3)])
def test_a_task_is_noted_when_it_begins_and_when_it_ends(cluster: Cluster, status: str, priority: int) -> None:
    task = TaskState("UPID:alpha:1", "alpha", 1, 1, 5, "clusterjoin", "", BOB)
    log = cluster.logs[A]
    for progress in (0.0, 0.5):
        log.note(TaskState(*_fields(task), progress=progress))
    log.note(TaskState(*_fields(task), end_time_s=9, status=status))
    rows = log.rows(50)
    assert [row["msg"] for row in rows] == [f"end task UPID:alpha:1 {status}", "starting task UPID:alpha:1"]
    assert (rows[0]["pri"], rows[0]["user"]) == (priority, BOB)


def _fields(task: TaskState) -> tuple[str, str, int, int, int, str, str, str]:
    return (task.upid, task.node, task.pid, task.pstart, task.start_time_s, task.type, task.id, task.user)
