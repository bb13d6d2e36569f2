"""Lock directories: taken by mkdir, refreshed by their writer, ended by name and version, guarded by their token."""

from __future__ import annotations

import errno

import pytest

from cluster.core.operations import (
    Command,
    Expire,
    Holding,
    Mkdir,
    Remove,
    Rename,
    Touch,
    Write,
    decode_body,
    encode_body,
)
from cluster.core.tree import Entry, Tree
from tests.cast import ALPHA, BETA
from tests.core.trees import NOW_MS, do, refused, tree_with

LOCK = "priv/lock/storage-one"
NOW_S = NOW_MS // 1000


def taken(tree: Tree) -> Entry:
    entry = tree.find(LOCK)
    assert entry is not None
    return entry


@pytest.fixture
def tree() -> Tree:
    tree = tree_with("priv/lock", "elsewhere/lock/name")
    do(tree, Mkdir(LOCK))
    return tree


def test_only_one_takes_a_lock(tree: Tree) -> None:
    assert refused(tree, Mkdir(LOCK), node_id=BETA.node_id) == errno.EEXIST
    do(tree, Remove(LOCK))
    do(tree, Mkdir(LOCK), node_id=BETA.node_id)
    assert taken(tree).writer == BETA.node_id


def test_the_holder_refreshes_its_lock_and_nobody_else_does(tree: Tree) -> None:
    before = taken(tree)
    assert refused(tree, Touch(LOCK, NOW_S + 60), node_id=BETA.node_id) == errno.EACCES
    do(tree, Touch(LOCK, NOW_S + 60), node_id=ALPHA.node_id)
    assert (taken(tree).inode, taken(tree).mtime_s) == (before.inode, NOW_S + 60)
    assert taken(tree).version > before.version


def test_a_lock_is_not_refreshed_into_the_past(tree: Tree) -> None:
    assert refused(tree, Touch(LOCK, NOW_S - 1)) == errno.EACCES
    assert refused(tree, Touch(LOCK, 0)) == errno.EACCES
    do(tree, Touch(LOCK, NOW_S))


def test_a_lock_cannot_be_renamed(tree: Tree) -> None:
    assert refused(tree, Rename(LOCK, "priv/lock/other")) == errno.EACCES
    assert refused(tree, Rename(f"/{LOCK}/", "priv/other")) == errno.EACCES


def test_a_file_among_the_locks_is_a_file(tree: Tree) -> None:
    do(tree, Write("priv/lock/file", b"x"))
    do(tree, Touch("priv/lock/file", 1), node_id=BETA.node_id)
    do(tree, Rename("priv/lock/file", "priv/lock/renamed"))
    assert refused(tree, Holding("priv/lock/renamed", 1)) == errno.ESTALE


def test_a_directory_elsewhere_is_no_lock(tree: Tree) -> None:
    do(tree, Touch("elsewhere/lock/name", 1), node_id=BETA.node_id)
    entry = tree.find("elsewhere/lock/name")
    assert entry is not None
    assert refused(tree, Expire("elsewhere/lock/name", entry.version)) == errno.ESTALE


def test_expiry_ends_the_lock_in_the_version_it_names(tree: Tree) -> None:
    do(tree, Expire(LOCK, taken(tree).version), node_id=BETA.node_id)
    assert tree.find(LOCK) is None


def test_a_lock_refreshed_meanwhile_does_not_expire(tree: Tree) -> None:
    seen = taken(tree).version
    do(tree, Touch(LOCK, NOW_S + 119))
    assert refused(tree, Expire(LOCK, seen), node_id=BETA.node_id) == errno.ESTALE


def test_a_lock_taken_again_meanwhile_does_not_expire(tree: Tree) -> None:
    seen = taken(tree).version
    do(tree, Remove(LOCK))
    assert refused(tree, Expire(LOCK, seen)) == errno.ESTALE
    do(tree, Mkdir(LOCK))
    assert refused(tree, Expire(LOCK, seen)) == errno.ESTALE


def test_a_write_that_shows_its_token_is_done_while_the_lock_is_held(tree: Tree) -> None:
    token = taken(tree).inode
    do(tree, Holding(LOCK, token), Write("storage.cfg", b"one"))
    do(tree, Touch(LOCK, NOW_S + 60))
    do(tree, Holding(LOCK, token), Write("storage.cfg", b"two"))
    assert tree.read("storage.cfg") == b"two"


def test_a_write_with_the_token_of_a_lost_lock_is_refused(tree: Tree) -> None:
    token = taken(tree).inode
    do(tree, Expire(LOCK, taken(tree).version), node_id=BETA.node_id)
    assert refused(tree, Write("storage.cfg", b"late"), Holding(LOCK, token)) == errno.ESTALE
    do(tree, Mkdir(LOCK), node_id=BETA.node_id)
    assert refused(tree, Holding(LOCK, token), Write("storage.cfg", b"late")) == errno.ESTALE


def test_each_holder_has_a_greater_token(tree: Tree) -> None:
    tokens = []
    for _ in range(5):
        tokens.append(taken(tree).inode)
        do(tree, Remove(LOCK), Mkdir(LOCK))
    assert tokens == sorted(set(tokens))


def test_expiry_and_token_travel_in_the_log() -> None:
    command = Command("r", 1, NOW_MS, "u", "mount", (Expire(LOCK, 7), Holding(LOCK, 5)))
    assert decode_body(encode_body(command)) == command
