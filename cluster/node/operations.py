"""What is wanted of the tree, in plain values, as operations for a proposal. Pure; who proposes them is the caller."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cluster.core.operations import AnyOperation, Expect, Mkdir, Remove, Rename, Write
from cluster.core.tree import Tree
from cluster.workflow.cleaning import Cleaning


def writes(files: Mapping[str, bytes]) -> list[AnyOperation]:
    """Operations that put these files in place, with the directories they need."""
    operations: list[AnyOperation] = []
    for path, data in files.items():
        if "/" in path:
            operations.append(Mkdir(path.rsplit("/", 1)[0], parents=True))
        operations.append(Write(path, data))
    return operations


def cleans(cleaning: Cleaning, tree: Tree) -> list[AnyOperation]:
    """A cleaning, in the order that lets all of it happen: files go to their places before folders are emptied. A
    folder that goes takes the empty folders in it along; one that has a file in it yet stands against it."""
    operations: list[AnyOperation] = [Expect(path, digest) for path, digest in cleaning.expected.items()]
    folders = dict.fromkeys(target.rsplit("/", 1)[0] for _, target in cleaning.moved)
    operations += [Mkdir(folder, parents=True) for folder in folders]
    operations += [Rename(source, target) for source, target in cleaning.moved]
    operations += writes(cleaning.written)
    folders_here = [tree.path_of(entry.inode) for entry in tree.walk() if entry.is_dir]
    gone = [folder for path in cleaning.removed for folder in (*_below(path, folders_here), path)]
    return operations + [Remove(path, missing_ok=True) for path in dict.fromkeys(gone)]


def _below(path: str, folders: Iterable[str]) -> list[str]:
    """The deepest first."""
    return sorted((one for one in folders if one.startswith(f"{path}/")), key=lambda one: -one.count("/"))
