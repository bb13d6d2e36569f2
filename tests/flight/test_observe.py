"""What is worth recording of two looks at the cluster, of commits and of tasks."""

from __future__ import annotations

from dataclasses import replace

from cluster.core.effects import Committed
from cluster.core.entry import Applied, PathChange
from cluster.core.messages import Point
from cluster.flight import observe
from cluster.model import ClusterState, NodeState, Quorum, Revision, StoreState, TaskState, WitnessSeen, WitnessState

STORE = StoreState(True, "", Revision(1, 1), "")
NODES = tuple(
    NodeState(name, number, 1, local=number == 1, online=True) for number, name in enumerate(("alpha", "beta"), 1)
)
CLUSTER = ClusterState("alpha", "demo", 2, NODES, Quorum(True, 2, 2, 2), store=STORE)


def codes(before: ClusterState | None, now: ClusterState) -> list[str]:
    return [event.code for event in observe.differences(before, now)]


def without_beta(**more: object) -> ClusterState:
    nodes = (NODES[0], replace(NODES[1], online=False))
    return replace(CLUSTER, nodes=nodes, **more)  # type: ignore[arg-type]


def test_the_first_look_and_an_equal_one_say_nothing() -> None:
    assert codes(None, CLUSTER) == codes(CLUSTER, CLUSTER) == []


def test_who_goes_and_comes_is_noted_with_who_is_left_and_whether_it_is_enough() -> None:
    lost = without_beta(quorum=Quorum(False, 2, 1, 2))
    gone, quorum = observe.differences(CLUSTER, lost)
    assert (gone.code, gone.about, gone.sees, gone.quorate) == ("node-gone", "beta", ("alpha",), False)
    assert (quorum.code, quorum.sentence) == (
        "quorum-lost", "This node's part has lost quorum: 1 of 2 votes are here, 2 are needed.",
    )  # fmt: skip
    assert codes(lost, CLUSTER) == ["node-here", "quorum-gained"]


def test_a_store_that_closes_says_why() -> None:
    closed = replace(CLUSTER, store=replace(STORE, writable=False, reason="Votes are missing."))
    (event,) = observe.differences(CLUSTER, closed)
    assert (event.code, event.sentence) == ("store-read-only", "The store cannot be written here. Votes are missing.")
    assert codes(closed, CLUSTER) == ["store-writable"]


def test_entering_and_leaving_a_cluster_are_events() -> None:
    alone = ClusterState("alpha", nodes=NODES[:1], store=STORE)
    assert codes(alone, CLUSTER) == ["cluster-entered", "node-here", "quorum-gained"]
    assert codes(CLUSTER, alone) == ["cluster-left"]


def test_a_link_is_noted_when_it_goes_and_when_it_comes_back() -> None:
    up, down = {("beta", 0): True, ("beta", 1): True}, {("beta", 0): True, ("beta", 1): False}
    assert list(observe.links({}, up)) == list(observe.links(up, up)) == []
    (event,) = observe.links(up, down)
    assert (event.code, event.about, event.link) == ("link-down", "beta", 1)
    assert [event.code for event in observe.links(down, up)] == ["link-up"]


def test_a_link_that_was_never_up_is_not_said_to_be_down_nor_to_work_again() -> None:
    up, down = {("beta", 0): True}, {("beta", 0): False}
    assert list(observe.links({}, down)) == []
    known = observe.ever_up({}, down)
    assert list(observe.links(known, up)) == []
    known = observe.ever_up(known, up)
    assert [event.code for event in observe.links(known, down)] == ["link-down"]
    known = observe.ever_up(known, down)
    assert [event.code for event in observe.links(known, up)] == ["link-up"]


def change(*paths: tuple[str, str], index: int = 7, door: str = "page", user: str = "alice@pve") -> Committed:
    applied = Applied((), (), tuple(PathChange(path, kind) for path, kind in paths))
    return Committed(Point(4, index, b""), 1, applied, user=user, door=door, node_id=2)


def committed(*changes: Committed, locks: set[str] | None = None) -> list[observe.Recorded]:
    return list(observe.committed(changes, {2: "beta"}, set() if locks is None else locks))


def test_a_change_says_what_who_how_where_and_which_revision() -> None:
    (event,) = committed(change(("datacenter.cfg", "file"), ("old.cfg", "removed")))
    assert event.sentence == "datacenter.cfg was written, old.cfg was removed."
    assert (event.user, event.door, event.by, event.revision) == ("alice@pve", "page", "beta", "4.7")


def test_many_paths_are_counted() -> None:
    (event,) = committed(change(*((f"file{number}", "file") for number in range(7))))
    assert event.sentence.endswith("file3 was written, and 3 more.")


def test_a_lock_is_taken_once_however_often_it_is_refreshed_and_freed_once() -> None:
    held: set[str] = set()
    lock = ("priv/lock/backup", "dir")
    found = committed(change(lock), change(lock), change(("priv/lock/backup", "removed")), locks=held)
    assert [(event.kind, event.code, event.about) for event in found] == [
        ("lock", "lock-taken", "backup"),
        ("lock", "lock-freed", "backup"),
    ]


def test_quick_changes_of_one_hand_become_one_event() -> None:
    first, second, other = committed(
        change(("a", "file")), change(("b", "file"), index=8), change(("c", "file"), user="x@y")
    )
    both = observe.folded(first, second)
    assert both is not None and (both.count, both.revision) == (2, "4.7")
    assert both.sentence == "a was written. And 1 more changes, the last at revision 4.8."
    assert observe.folded(both, other) is None


def test_a_task_that_failed_is_told_from_one_that_ended_well() -> None:
    state = TaskState("UPID:x", "alpha", 1, 2, 3, "clusterjoin", "", "root@pam")
    ends = [replace(state, end_time_s=9, status=status) for status in ("OK", "WARNINGS: 1", "it broke")]
    assert [observe.task(one).code for one in (state, *ends)] == [
        "task-started",
        "task-ended",
        "task-ended",
        "task-failed",
    ]


def with_witness(connected: bool = True, **more: object) -> ClusterState:
    seen = (("alpha", WitnessSeen(True, "Connected" if connected else "Connecting", connected)),)
    witness = WitnessState("10.0.0.9", "ffsplit", 1, connected=connected, seen=seen, **more)  # type: ignore[arg-type]
    return replace(CLUSTER, witness=witness)


def test_the_witness_is_noted_when_it_goes_comes_back_and_is_set_up_or_removed() -> None:
    none = replace(CLUSTER, witness=WitnessState())
    assert codes(none, with_witness()) == ["witness-set-up"] and codes(with_witness(), none) == ["witness-removed"]
    (event,) = observe.differences(with_witness(), with_witness(False))
    assert (event.kind, event.code, event.about) == ("quorum", "witness-gone", "10.0.0.9")
    assert codes(with_witness(False), with_witness()) == ["witness-here"]
    assert codes(with_witness(), with_witness(False, resting=True)) == codes(CLUSTER, with_witness()) == []
