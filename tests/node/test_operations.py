"""A cleaning as operations of the tree: empty folders go along with the folder they are in, files stand against it."""

from __future__ import annotations

import errno

from cluster.core.operations import Write
from cluster.node.operations import cleans
from cluster.workflow.cleaning import Cleaning
from tests.core.trees import do, refused, tree_with

FOLDER = "nodes/gamma"


def test_a_node_s_folder_with_an_empty_folder_in_it_goes_with_the_node() -> None:
    tree = tree_with(f"{FOLDER}/qemu-server/empty", f"{FOLDER}/lxc")
    do(tree, Write(f"{FOLDER}/config", b"x"))
    moved = ((f"{FOLDER}/config", "priv/removed/gamma/node/config"),)
    do(tree, *cleans(Cleaning(moved=moved, removed=(FOLDER,)), tree))
    assert tree.find(FOLDER) is None and tree.read(moved[0][1]) == b"x"


def test_a_file_and_then_the_folder_it_lay_deep_in_go_at_once() -> None:
    tree = tree_with("priv/removed/gamma/before/priv", "priv/removed/gamma/before/ha")
    do(tree, Write("priv/removed/gamma/before/priv/known_hosts", b"x"))
    gone = ("priv/removed/gamma/before/priv/known_hosts", "priv/removed/gamma/before", "priv/removed/gamma/node")
    do(tree, *cleans(Cleaning(removed=gone), tree))
    assert tree.find(gone[1]) is None and tree.find("priv/removed/gamma") is not None


def test_a_folder_with_a_file_in_it_stays_and_so_does_everything_else() -> None:
    tree = tree_with(f"{FOLDER}/qemu-server")
    do(tree, Write(f"{FOLDER}/config", b"x"))
    assert refused(tree, *cleans(Cleaning(removed=(FOLDER,)), tree)) == errno.ENOTEMPTY
