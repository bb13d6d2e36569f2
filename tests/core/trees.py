"""A tree and commands for it, as any node might have proposed them."""

from __future__ import annotations

import pytest

from cluster.core.operations import AnyOperation, Command, Mkdir
from cluster.core.tree import Applied, Tree
from cluster.errors import StoreRefusal
from tests.cast import ALICE, ALPHA

NOW_MS = 1_700_000_000_000


def do(tree: Tree, *operations: AnyOperation, node_id: int = ALPHA.node_id, time_ms: int = NOW_MS) -> Applied:
    return tree.apply(Command("r", node_id, time_ms, ALICE, "api", operations))


def refused(tree: Tree, *operations: AnyOperation, node_id: int = ALPHA.node_id) -> int:
    """The error number a command is refused with; the tree must be as it was."""
    before = (dict(tree.entries), {k: dict(v) for k, v in tree.children.items()}, dict(tree.guests), tree.version)
    with pytest.raises(StoreRefusal) as refusal:
        do(tree, *operations, node_id=node_id)
    assert (tree.entries, tree.children, tree.guests, tree.version) == before
    return refusal.value.errno


def tree_with(*folders: str) -> Tree:
    tree = Tree()
    for folder in folders:
        do(tree, Mkdir(folder, parents=True))
    return tree
