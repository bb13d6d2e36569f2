"""What it takes to make a path, or all below it, what it was at an earlier revision: one change like any other.

Every file concerned is expected to be as it is now, so that nobody's newer work is undone unseen. Pure but for what it
asks the history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cluster.core.operations import Expect, Mkdir, Remove, Write, digest_of
from cluster.core.tree import AnyOperation
from cluster.errors import InvalidInput
from cluster.store.history import History, State, is_within

BYTES_MAX = 3 << 20  # of one change


def plan(history: History, index: int, path: str, left_alone: Callable[[str], bool]) -> list[AnyOperation]:
    """Operations that bring back what was at and below `path` right after `index`; none when that is what is there.

    Raises NotHeld, InvalidInput when it is too much for one change."""
    concerned = sorted(one for one in history.changed_since(index) | {path} if one and is_within(one, path))
    then: dict[str, State] = {}
    now: dict[str, State] = {}
    for one in concerned:
        if not left_alone(one):
            was, is_ = history.at(one, index), history.now(one)
            if was != is_:
                then[one], now[one] = was, is_
    kept = [one for one in concerned if left_alone(one) and history.now(one).kind != "absent"]
    operations = [*_removals(then, now, kept), *_additions(then)]
    if sum(len(one.data) for one in operations if isinstance(one, Write)) > BYTES_MAX:
        raise InvalidInput(f"More than {BYTES_MAX >> 20} MiB would change at once. Restore folder by folder.")
    touched = {one.path for one in operations if isinstance(one, Write | Remove)}
    return [*(_expect(one, now[one]) for one in sorted(touched)), *operations]


def _expect(path: str, now: State) -> AnyOperation:
    return Expect(path, digest_of(now.data) if now.data is not None else "")


def _removals(then: dict[str, State], now: dict[str, State], kept: Iterable[str]) -> list[AnyOperation]:
    """Deepest first; a directory with something in it that is left alone stays."""
    gone = [one for one, was in then.items() if now[one].kind != "absent" and was.kind != now[one].kind]
    stays = set(kept)
    return [
        Remove(one)
        for one in sorted(gone, key=lambda each: (-each.count("/"), each))
        if not any(is_within(left, one) for left in stays)
    ]


def _additions(then: dict[str, State]) -> list[AnyOperation]:
    operations: list[AnyOperation] = []
    for one, was in sorted(then.items()):
        if was.kind == "dir":
            operations.append(Mkdir(one, parents=True))
        elif was.data is not None:
            if "/" in one:
                operations.append(Mkdir(one.rsplit("/", 1)[0], parents=True))
            operations.append(Write(one, was.data))
    return operations
