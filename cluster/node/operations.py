"""What is wanted of the tree, in plain values, as operations for a proposal. Pure; who proposes them is the caller."""

from __future__ import annotations

from collections.abc import Mapping

from cluster.core.operations import AnyOperation, Expect, Mkdir, Remove, Rename, Write
from cluster.workflow.cleaning import Cleaning


def writes(files: Mapping[str, bytes]) -> list[AnyOperation]:
    """Operations that put these files in place, with the directories they need."""
    operations: list[AnyOperation] = []
    for path, data in files.items():
        if "/" in path:
            operations.append(Mkdir(path.rsplit("/", 1)[0], parents=True))
        operations.append(Write(path, data))
    return operations


def cleans(cleaning: Cleaning) -> list[AnyOperation]:
    """A cleaning, in the order that lets all of it happen: files go to their places before folders are emptied."""
    operations: list[AnyOperation] = [Expect(path, digest) for path, digest in cleaning.expected.items()]
    folders = dict.fromkeys(target.rsplit("/", 1)[0] for _, target in cleaning.moved)
    operations += [Mkdir(folder, parents=True) for folder in folders]
    operations += [Rename(source, target) for source, target in cleaning.moved]
    operations += writes(cleaning.written)
    return operations + [Remove(path, missing_ok=True) for path in cleaning.removed]
