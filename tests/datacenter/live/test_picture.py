"""A picture and the changes after it: what follows, what does not, and what each change leaves as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cluster.control.requests import as_plain
from cluster.model import Change, ClusterState, NodeState, Revision, Sample, StoreState, TaskState
from datacenter.live.picture import TASKS_MAX, OutOfStep, Picture, after, picture_of, read_change

ALPHA = NodeState("alpha", 1, 1, online=True, sample=Sample(1.0, {"cpu": 0.5}))
BETA = NodeState("beta", 2, 1, online=True, sample=Sample(1.0, {"cpu": 0.25}))
STORE = StoreState(True, "", Revision(1, 1), "")
CLUSTER = ClusterState("alpha", "office", 2, (ALPHA, BETA), store=STORE)
PICTURE = Picture("life", 7, CLUSTER)


def change(topic: str, value: Any, number: int = 8) -> Change:
    return Change(number, topic, as_plain(value), 123.5)


def task(number: int, end_time_s: int | None = None, start_time_s: int = 100) -> TaskState:
    return TaskState(f"UPID:{number}", "alpha", 1, 1, start_time_s, "clusterjoin", "", "root@pam", end_time_s)


def test_a_snapshot_becomes_a_picture() -> None:
    status = {"source": "life", "number": 7, "cluster": as_plain(CLUSTER), "tasks": [as_plain(task(1))]}
    assert picture_of(status) == replace(PICTURE, tasks=(task(1),))


@pytest.mark.parametrize("status", [None, {}, {"source": "s", "number": "x", "cluster": {}, "tasks": []}, []])
def test_nonsense_is_no_snapshot(status: Any) -> None:
    with pytest.raises(OutOfStep):
        picture_of(status)


@pytest.mark.parametrize("number", [6, 7, 9])
def test_only_the_very_next_change_follows(number: int) -> None:
    with pytest.raises(OutOfStep):
        after(PICTURE, change("node", BETA, number))


def test_a_change_of_the_cluster_keeps_the_figures_and_the_store_it_does_not_carry() -> None:
    bare = replace(CLUSTER, name="office", config_version=3, store=None, nodes=(replace(ALPHA, sample=None),))
    now = after(PICTURE, change("cluster", bare))
    assert now.cluster.nodes == (ALPHA,) and now.cluster.store == STORE
    assert (now.cluster.config_version, now.number, now.at_s) == (3, 8, 123.5)


def test_the_tasks_of_a_node_that_was_removed_go_with_it() -> None:
    theirs = replace(task(1), node="beta")
    with_both = replace(PICTURE, tasks=(theirs, task(2)))
    assert after(with_both, change("cluster", CLUSTER)).tasks == (theirs, task(2))
    assert after(with_both, change("cluster", replace(CLUSTER, nodes=(ALPHA,)))).tasks == (task(2),)


def test_a_change_of_a_node_touches_that_node_only() -> None:
    now = after(PICTURE, change("node", replace(BETA, online=False)))
    assert now.cluster.nodes == (ALPHA, replace(BETA, online=False))


def test_a_node_that_is_not_in_the_cluster_adds_nothing() -> None:
    assert after(PICTURE, change("node", NodeState("omega", 9, 1))).cluster == CLUSTER


def test_a_change_of_the_store_is_kept_and_may_be_none() -> None:
    broken = replace(STORE, writable=False, reason="no quorum")
    assert after(PICTURE, change("store", broken)).cluster.store == broken
    assert after(PICTURE, change("store", None)).cluster.store is None


def test_tasks_are_running_first_then_newest_first() -> None:
    now = replace(PICTURE, tasks=(task(1, end_time_s=105),))
    now = after(now, change("task", task(2, end_time_s=300, start_time_s=200)))
    now = after(now, change("task", task(3, start_time_s=50), number=9))
    assert [one.upid for one in now.tasks] == ["UPID:3", "UPID:2", "UPID:1"]
    assert now.running_tasks == 1 and now.task("UPID:2") == task(2, end_time_s=300, start_time_s=200)


def test_a_task_that_ends_takes_its_new_place() -> None:
    now = replace(PICTURE, tasks=(task(1), task(2, end_time_s=300, start_time_s=200)))
    now = after(now, change("task", task(1, end_time_s=400)))
    assert [one.upid for one in now.tasks] == ["UPID:2", "UPID:1"]


def test_no_more_tasks_are_kept_than_are_ever_shown() -> None:
    now = PICTURE
    for number in range(TASKS_MAX + 5):
        now = after(now, change("task", task(number, end_time_s=number + 1), 8 + number))
    assert len(now.tasks) == TASKS_MAX


@pytest.mark.parametrize(("topic", "value"), [("node", {"name": 5}), ("cluster", []), ("task", {}), ("store", 1)])
def test_a_change_that_is_not_understood_is_out_of_step(topic: str, value: Any) -> None:
    with pytest.raises(OutOfStep):
        after(PICTURE, Change(8, topic, value, 0.0))


def test_a_topic_of_a_newer_daemon_only_counts() -> None:
    assert after(PICTURE, Change(8, "weather", {}, 1.0)) == replace(PICTURE, number=8, at_s=1.0)


@pytest.mark.parametrize("data", [None, {}, {"number": "8", "topic": "node", "value": {}, "at_s": 0}, "change"])
def test_t53_a_message_that_is_no_change_is_out_of_step(data: Any) -> None:
    with pytest.raises(OutOfStep):
        read_change(data)
