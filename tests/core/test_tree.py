"""A command changes the tree as a whole or not at all, alike on every node, with the numbers pmxcfs gives."""

from __future__ import annotations

import errno
import random

import pytest

from cluster.core.entry import ROOT, Entry
from cluster.core.operations import AnyOperation, Expect, Mkdir, Remove, Rename, Touch, Write, digest_of
from cluster.core.tree import Tree
from cluster.errors import StoreRefusal
from tests.cast import ALPHA, BETA
from tests.core.trees import NOW_MS, do, refused


def paths(tree: Tree, *operations: AnyOperation) -> list[tuple[str, str]]:
    return [(change.path, change.kind) for change in do(tree, *operations).paths]


@pytest.fixture
def tree() -> Tree:
    """`nodes/` with `alpha/` and the file `motd` in it, and an empty directory `empty`."""
    made = Tree()
    do(made, Mkdir("nodes"), Mkdir("nodes/alpha"), Write("nodes/motd", b"hello"), Mkdir("empty"))
    return made


# --- one operation each -----------------------------------------------------------------------------------------------


def test_a_new_file_gets_the_version_as_its_inode_and_says_who_wrote_it(tree: Tree) -> None:
    applied = do(tree, Write("news", b"x"), node_id=BETA.node_id)
    entry = tree.find("news")
    assert entry == Entry(6, 0, "news", 6, BETA.node_id, NOW_MS // 1000, b"x", 6)
    assert applied.entries == (entry,) and applied.removed == () and applied.before == ()
    root = tree.entries[0]
    assert (root.version, root.writer, root.mtime_s) == (6, BETA.node_id, NOW_MS // 1000)


def test_a_file_written_again_keeps_its_inode(tree: Tree) -> None:
    before = tree.find("nodes/motd")
    applied = do(tree, Write("nodes/motd", b"hello again"))
    after = tree.find("nodes/motd")
    assert before is not None and after is not None
    assert after.inode == before.inode and after.version == after.content_version == before.version + 2
    assert applied.before == (before,) and tree.size == len(b"hello again")


def test_a_rename_keeps_inode_and_content_and_replaces_a_file(tree: Tree) -> None:
    do(tree, Write("old", b"old"))
    before, old = tree.find("nodes/motd"), tree.find("old")
    assert before is not None and old is not None
    applied = do(tree, Rename("nodes/motd", "old"))
    after = tree.find("old")
    assert after is not None and (after.inode, after.data) == (before.inode, b"hello")
    assert after.content_version == before.content_version and after.version == tree.version
    assert applied.removed == (old.inode,) and tree.find("nodes/motd") is None and tree.size == 5


def test_making_parents_makes_those_that_are_missing_and_accepts_what_is_there(tree: Tree) -> None:
    assert paths(tree, Mkdir("nodes/beta/priv", parents=True)) == [("nodes/beta", "dir"), ("nodes/beta/priv", "dir")]
    assert paths(tree, Mkdir("nodes/beta/priv", parents=True)) == []


def test_a_change_of_nothing_leaves_the_version(tree: Tree) -> None:
    version, root = tree.version, tree.entries[0]
    applied = do(tree, Rename("nodes/motd", "nodes/motd"), Remove("absent", missing_ok=True), Expect("absent", ""))
    assert applied.paths == applied.entries == () and (tree.version, tree.entries[0]) == (version, root)


def test_paths_may_be_written_with_too_many_slashes(tree: Tree) -> None:
    assert paths(tree, Write("//nodes///motd/", b"x")) == [("nodes/motd", "file")]
    assert tree.read("/nodes/motd") == tree.read("nodes//motd") == b"x"


def test_a_path_through_a_file_leads_nowhere(tree: Tree) -> None:
    assert tree.find("nodes/motd/more") is None and tree.listing("nodes/motd") is None
    assert [entry.name for entry in tree.listing("nodes") or ()] == ["alpha", "motd"]


@pytest.mark.parametrize(
    ("operation", "number"),
    [
        (Write("absent/file", b""), errno.ENOENT),
        (Write("nodes/motd/file", b""), errno.ENOTDIR),
        (Write("nodes/alpha", b""), errno.EISDIR),
        (Write("nodes/motd", b"", create=True), errno.EEXIST),
        (Write("", b""), errno.EACCES),
        (Mkdir("nodes"), errno.EEXIST),
        (Mkdir("nodes/motd", parents=True), errno.EEXIST),
        (Mkdir("nodes/motd/deeper", parents=True), errno.ENOTDIR),
        (Mkdir("/"), errno.EACCES),
        (Remove("absent"), errno.ENOENT),
        (Remove("nodes"), errno.ENOTEMPTY),
        (Remove("/"), errno.EACCES),
        (Rename("absent", "x"), errno.ENOENT),
        (Rename("nodes", "x"), errno.ENOTEMPTY),
        (Rename("empty", "empty/inside"), errno.EINVAL),
        (Rename("empty", "nodes"), errno.ENOTEMPTY),
        (Rename("empty", "nodes/motd"), errno.ENOTDIR),
        (Rename("nodes/motd", "empty"), errno.EISDIR),
        (Rename("nodes/motd", "absent/x"), errno.ENOENT),
        (Rename("/", "x"), errno.EACCES),
        (Touch("absent", 1), errno.ENOENT),
        (Touch("", 1), errno.EACCES),
        (Expect("nodes/motd", ""), errno.ESTALE),
        (Expect("nodes/motd", digest_of(b"other")), errno.ESTALE),
        (Expect("absent", digest_of(b"")), errno.ESTALE),
        (Write("nodes/../x", b""), errno.EINVAL),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_refused_with_the_number_a_file_system_gives(
    tree: Tree, operation: AnyOperation, number: int
) -> None:
    assert refused(tree, operation) == number


# --- several at once --------------------------------------------------------------------------------------------------


def test_all_of_a_command_happens_or_nothing(tree: Tree) -> None:
    assert refused(
        tree,
        Write("nodes/motd", b"gone"),
        Rename("nodes/motd", "empty/motd"),
        Remove("nodes/alpha"),
        Remove("nodes"),
        Mkdir("nodes"),
        Write("nodes/alpha", b"a file now"),
        Remove("absent"),
    ) == (errno.ENOENT)


def test_a_write_that_expects_what_is_there_is_done(tree: Tree) -> None:
    do(tree, Expect("nodes/motd", digest_of(b"hello")), Write("nodes/motd", b"seen"), Expect("absent", ""))
    assert tree.read("nodes/motd") == b"seen"


def test_what_appears_and_disappears_in_one_command_leaves_no_trace_but_the_version(tree: Tree) -> None:
    version = tree.version
    applied = do(tree, Write("short-lived", b"x"), Remove("short-lived"))
    assert applied.entries == applied.removed == () and tree.version == version + 2
    assert tree.entries[0].version == tree.version


# --- many at random ---------------------------------------------------------------------------------------------------


def random_operation(dice: random.Random) -> AnyOperation:
    def somewhere() -> str:
        return "/".join(dice.choice("abc") for _ in range(dice.randint(1, 3)))

    made: list[AnyOperation] = [
        Write(somewhere(), dice.randbytes(dice.randrange(9)), create=dice.random() < 0.2),
        Mkdir(somewhere(), parents=dice.random() < 0.5),
        Rename(somewhere(), somewhere()),
        Remove(somewhere(), missing_ok=dice.random() < 0.5),
        Touch(somewhere(), dice.randrange(1000)),
    ]
    return dice.choice(made)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_done_the_tree_stays_a_tree_and_a_refusal_leaves_it_alone(seed: int) -> None:
    dice, tree, rows = random.Random(seed), Tree(), dict[int, Entry]()
    follower = Tree()
    refusals = 0
    for _ in range(400):
        operations = [random_operation(dice) for _ in range(dice.choice((1, 1, 2, 5)))]
        before = (dict(tree.entries), {k: dict(v) for k, v in tree.children.items()}, tree.version, tree.size)
        try:
            applied = do(tree, *operations)
        except StoreRefusal:
            refusals += 1
            assert (tree.entries, tree.children, tree.version, tree.size) == before
            continue
        for entry in applied.entries:
            rows[entry.inode] = entry
        for inode in applied.removed:
            del rows[inode]
        assert [rows[inode] for inode in sorted(rows)] == list(tree.walk())
        again = Tree.from_entries(rows.values(), tree.version)
        assert again.children == tree.children and again.size == tree.size
        follower.follow(applied, tree.entries[ROOT])
        for twin in (follower, tree.copy()):
            assert (twin.entries, twin.children) == (tree.entries, tree.children)
            assert (twin.size, twin.version) == (tree.size, tree.version)
    assert 50 < refusals < 350


# --- reading back -----------------------------------------------------------------------------------------------------


def file(inode: int, parent: int, name: str) -> Entry:
    return Entry(inode, parent, name, inode, 1, 0, b"", inode)


def folder(inode: int, parent: int, name: str) -> Entry:
    return Entry(inode, parent, name, inode, 1, 0, None)


@pytest.mark.parametrize(
    "entries",
    [
        [file(2, 9, "orphan")],
        [file(2, 0, "x"), file(3, 2, "below a file")],
        [file(2, 0, "x"), file(3, 0, "x")],
        [file(2, 0, "")],
        [folder(2, 3, "a"), folder(3, 2, "b")],
        [folder(2, 2, "its own parent")],
        [file(0, 0, "root")],
    ],
    ids=["orphan", "below a file", "two of a name", "no name", "circle", "its own parent", "a file as root"],
)
def test_entries_that_do_not_make_a_tree_are_refused(entries: list[Entry]) -> None:
    with pytest.raises(StoreRefusal) as refusal:
        Tree.from_entries(entries, 9)
    assert refusal.value.errno == errno.EIO


def test_a_tree_read_back_in_any_order_is_the_same() -> None:
    tree = Tree()
    do(tree, Mkdir("a/b/c", parents=True), Write("a/b/c/d", b"1"), Write("a/e", b"22"), node_id=ALPHA.node_id)
    root = tree.entries[0]
    again = Tree.from_entries(reversed(list(tree.walk())), tree.version, root.mtime_s, root.writer)
    assert again.entries == tree.entries and again.children == tree.children and again.size == 3
