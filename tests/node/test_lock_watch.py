"""A lock is too old when this node has seen it unchanged for more than 120 s, whatever the wall clock says."""

from __future__ import annotations

import pytest

from cluster.core.operations import Mkdir, Remove, Touch
from cluster.core.tree import Entry, Tree
from cluster.node.lock_watch import LIFETIME_S, LockWatch
from tests.cast import ALPHA
from tests.core.trees import NOW_MS, do, tree_with

LOCK = "priv/lock/name"


class Clock:
    now_s = 1000.0


@pytest.fixture
def tree() -> Tree:
    return tree_with(LOCK)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(clock: Clock, tree: Tree) -> LockWatch:
    watch = LockWatch(lambda: clock.now_s)
    watch.look(tree)
    return watch


def lock(tree: Tree) -> Entry:
    entry = tree.find(LOCK)
    assert entry is not None
    return entry


def test_a_lock_lives_120_seconds(watch: LockWatch, tree: Tree, clock: Clock) -> None:
    clock.now_s += LIFETIME_S
    assert not watch.is_too_old(lock(tree))
    clock.now_s += 0.001
    assert watch.is_too_old(lock(tree))


def test_looking_again_does_not_make_it_younger(watch: LockWatch, tree: Tree, clock: Clock) -> None:
    for _ in range(13):
        clock.now_s += 10
        do(tree, Mkdir(f"priv/lock/{clock.now_s}"))
        watch.look(tree)
    assert watch.is_too_old(lock(tree))


def test_a_refresh_makes_it_young(watch: LockWatch, tree: Tree, clock: Clock) -> None:
    clock.now_s += 100
    do(tree, Touch(LOCK, NOW_MS // 1000 + 1), node_id=ALPHA.node_id)
    watch.look(tree)
    clock.now_s += 100
    assert not watch.is_too_old(lock(tree))
    clock.now_s += 21
    assert watch.is_too_old(lock(tree))


def test_a_lock_taken_again_has_its_own_time(watch: LockWatch, tree: Tree, clock: Clock) -> None:
    clock.now_s += 1000
    do(tree, Remove(LOCK), Mkdir(LOCK))
    watch.look(tree)
    assert not watch.is_too_old(lock(tree))


def test_a_node_that_has_just_started_gives_every_lock_its_full_time(tree: Tree, clock: Clock) -> None:
    watch = LockWatch(lambda: clock.now_s)
    assert not watch.is_too_old(lock(tree))
    clock.now_s += LIFETIME_S + 1
    assert watch.is_too_old(lock(tree))
