"""A guest id belongs to one guest alone, wherever its configuration is; moving it is a rename."""

from __future__ import annotations

import errno
from dataclasses import replace

import pytest

from cluster.core.entry import ROOT
from cluster.core.guests import Guest
from cluster.core.operations import Mkdir, Remove, Rename, Touch, Write
from cluster.core.tree import Tree
from cluster.errors import StoreRefusal
from tests.core.trees import do, refused, tree_with

ON_ALPHA, ON_BETA, CONTAINER = "nodes/alpha/qemu-server", "nodes/beta/qemu-server", "nodes/beta/lxc"


@pytest.fixture
def tree() -> Tree:
    tree = tree_with(ON_ALPHA, ON_BETA, CONTAINER, "nodes/beta/openvz", "backup")
    do(tree, Write(f"{ON_ALPHA}/100.conf", b"memory: 512\n"))
    return tree


def where(tree: Tree) -> dict[int, tuple[str, str]]:
    return {guest_id: (guest.node, guest.kind) for guest_id, guest in tree.guests.items()}


def test_a_configuration_makes_a_guest_and_its_removal_ends_it(tree: Tree) -> None:
    assert where(tree) == {100: ("alpha", "qemu")}
    do(tree, Write(f"{CONTAINER}/101.conf", b""), Write("nodes/beta/openvz/102.conf", b""))
    assert where(tree) == {100: ("alpha", "qemu"), 101: ("beta", "lxc"), 102: ("beta", "openvz")}
    do(tree, Remove(f"{ON_ALPHA}/100.conf"))
    assert where(tree) == {101: ("beta", "lxc"), 102: ("beta", "openvz")}


@pytest.mark.parametrize("place", [ON_BETA, CONTAINER, "nodes/alpha/lxc"])
def test_a_second_guest_of_the_same_id_is_refused(tree: Tree, place: str) -> None:
    do(tree, Mkdir("nodes/alpha/lxc"))
    assert refused(tree, Write(f"{place}/100.conf", b"")) == errno.EEXIST
    assert refused(tree, Write(f"{place}/100.conf", b"", create=True)) == errno.EEXIST


def test_writing_the_guest_s_own_configuration_again_is_no_second_guest(tree: Tree) -> None:
    do(tree, Write(f"{ON_ALPHA}/100.conf", b"memory: 1024\n"), Touch(f"{ON_ALPHA}/100.conf", 5))
    assert where(tree) == {100: ("alpha", "qemu")}


def test_a_rename_moves_a_guest_to_another_node(tree: Tree) -> None:
    do(tree, Rename(f"{ON_ALPHA}/100.conf", f"{ON_BETA}/100.conf"))
    assert where(tree) == {100: ("beta", "qemu")}


def test_a_tree_that_follows_knows_the_same_guests(tree: Tree) -> None:
    follower = tree.copy()
    for operations in (
        [Rename(f"{ON_ALPHA}/100.conf", f"{ON_BETA}/100.conf"), Write(f"{CONTAINER}/101.conf", b"")],
        [Remove(f"{CONTAINER}/101.conf"), Write(f"{ON_ALPHA}/101.conf", b"")],
        [Rename(f"{ON_BETA}/100.conf", f"{ON_ALPHA}/102.conf"), Remove(f"{ON_ALPHA}/101.conf")],
    ):
        follower.follow(do(tree, *operations), tree.entries[ROOT])
        assert follower.guests == tree.guests
    assert where(follower) == {102: ("alpha", "qemu")}


def test_a_rename_gives_a_guest_a_free_id_but_not_a_taken_one(tree: Tree) -> None:
    do(tree, Write(f"{CONTAINER}/101.conf", b""))
    assert refused(tree, Rename(f"{ON_ALPHA}/100.conf", f"{ON_ALPHA}/101.conf")) == errno.EEXIST
    do(tree, Rename(f"{ON_ALPHA}/100.conf", f"{ON_ALPHA}/103.conf"))
    assert where(tree) == {101: ("beta", "lxc"), 103: ("alpha", "qemu")}


def test_an_ordinary_file_cannot_be_renamed_into_a_second_guest(tree: Tree) -> None:
    do(tree, Write("backup/100.conf", b"x"), Write(f"{ON_ALPHA}/100.conf.tmp.1", b"y"))
    assert refused(tree, Rename("backup/100.conf", f"{ON_BETA}/100.conf")) == errno.EEXIST
    do(tree, Rename(f"{ON_ALPHA}/100.conf.tmp.1", f"{ON_ALPHA}/100.conf"))
    assert tree.read(f"{ON_ALPHA}/100.conf") == b"y"
    assert where(tree) == {100: ("alpha", "qemu")}


def test_a_guest_renamed_to_an_ordinary_name_is_a_guest_no_longer(tree: Tree) -> None:
    do(tree, Rename(f"{ON_ALPHA}/100.conf", f"{ON_ALPHA}/100.conf.old"))
    assert where(tree) == {}
    do(tree, Write(f"{ON_BETA}/100.conf", b""))
    assert where(tree) == {100: ("beta", "qemu")}


@pytest.mark.parametrize(
    "path",
    [
        "backup/100.conf",
        f"{ON_BETA}/0100.conf",
        f"{ON_BETA}/4294967296.conf",
        f"{ON_BETA}/100.conf.tmp.1",
        f"{ON_BETA}/100.CONF",
        f"{ON_BETA}/١٠٠.conf",
        "nodes/beta/100.conf",
        "nodes/-beta/qemu-server/100.conf",
        "nodes/beta_1/qemu-server/100.conf",
    ],
)
def test_other_names_are_ordinary_files(tree: Tree, path: str) -> None:
    do(tree, Mkdir(path.rpartition("/")[0], parents=True), Write(path, b""))
    assert where(tree) == {100: ("alpha", "qemu")}


def test_the_greatest_id_is_a_guest(tree: Tree) -> None:
    do(tree, Write(f"{ON_BETA}/4294967295.conf", b""))
    assert where(tree)[4294967295] == ("beta", "qemu")


def test_a_directory_with_a_guest_s_name_is_no_guest(tree: Tree) -> None:
    do(tree, Mkdir(f"{ON_BETA}/100.conf"))
    assert where(tree) == {100: ("alpha", "qemu")}


def test_a_refused_command_leaves_the_guests_as_they_were(tree: Tree) -> None:
    number = refused(
        tree,
        Remove(f"{ON_ALPHA}/100.conf"),
        Mkdir("nodes/gamma/lxc", parents=True),
        Write("nodes/gamma/lxc/100.conf", b""),
        Remove("absent"),
    )
    assert number == errno.ENOENT


def test_a_command_may_move_a_guest_in_two_steps(tree: Tree) -> None:
    do(tree, Remove(f"{ON_ALPHA}/100.conf"), Write(f"{CONTAINER}/100.conf", b""))
    assert where(tree) == {100: ("beta", "lxc")}


def test_a_tree_read_back_knows_its_guests(tree: Tree) -> None:
    again = Tree.from_entries(reversed(list(tree.walk())), tree.version)
    entry = tree.find(f"{ON_ALPHA}/100.conf")
    assert entry is not None and again.guests == {100: Guest("alpha", "qemu", entry.inode)}


def test_stored_entries_with_one_guest_twice_are_refused(tree: Tree) -> None:
    entry, beta = tree.find(f"{ON_ALPHA}/100.conf"), tree.find(ON_BETA)
    assert entry is not None and beta is not None
    twice = [*tree.walk(), replace(entry, inode=99_999, parent=beta.inode)]
    with pytest.raises(StoreRefusal, match="guest 100"):
        Tree.from_entries(twice, tree.version)
