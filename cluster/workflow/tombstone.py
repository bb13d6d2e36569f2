"""What the tree remembers of a node that was taken out: who it was, what named it, and how to undo that for a day.

Lies under `priv/removed/NAME/`: `stone.json`, the node's folder as it was below `node/`, and the files that were
cleaned, as they were before, below `before/`; once the removal is undone, the stone alone. A machine that comes back
with its old files learns from it, through any member, that it is no member. Who writes it is `remove_node.py` and
`leave.py`; who undoes it `undo_removal.py`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping

import msgspec

from cluster.core.operations import digest_of
from cluster.errors import Unavailable
from cluster.model import Link, Node
from cluster.workflow import references
from cluster.workflow.cleaning import Cleaning

ROOT = "priv/removed"
UNDO_S = 24 * 3600
CONFIGURATION = "corosync.conf"
# The key of corosync since the last removal, the one before, the digest of that in use, the note that one is due.
KEY, KEY_FORMER = "priv/corosync.key", "priv/corosync.key.former"
KEY_ACTIVE, KEY_DUE = "priv/corosync.key.active", "priv/corosync.key.due"
KEY_OLDER = "priv/corosync.key.older"  # those before the former one, newest first, each a line in hex
KEYS = (KEY, KEY_FORMER, KEY_ACTIVE, KEY_DUE, KEY_OLDER)
OLDER_MAX = 8


class Stone(msgspec.Struct, frozen=True):
    """`fingerprint` is that of the certificate the node had; `cleaned` maps each cleaned file to the digest it was
    given. `left`: the node went by itself. `reinstated`: the removal was undone, and its machine not back yet."""

    name: str
    node_id: int
    votes: int
    links: dict[int, tuple[str, int | None]]
    time_s: int
    user: str
    fingerprint: str = ""
    left: bool = False
    cleaned: dict[str, str] = {}
    reinstated: bool = False

    @property
    def node(self) -> Node:
        links = tuple(Link(number, address, priority) for number, (address, priority) in sorted(self.links.items()))
        return Node(self.name, self.node_id, self.votes, links)

    def may_be_undone(self, now_s: float) -> bool:
        return not self.left and not self.reinstated and now_s <= self.time_s + UNDO_S


def older_keys(data: bytes | None) -> list[bytes]:
    """What lies at KEY_OLDER; a line that is none is left out."""
    found = []
    for line in (data or b"").splitlines()[:OLDER_MAX]:
        with contextlib.suppress(ValueError):
            found.append(bytes.fromhex(line.decode("ascii")))
    return found


def write_older_keys(keys: Iterable[bytes]) -> bytes:
    return b"".join(key.hex().encode() + b"\n" for key in [*keys][:OLDER_MAX])


def folder(name: str) -> str:
    return f"{ROOT}/{name}"


def stone_path(name: str) -> str:
    return f"{ROOT}/{name}/stone.json"


def read(data: bytes) -> Stone:
    """Raises Unavailable."""
    try:
        return msgspec.json.decode(data, type=Stone)
    except msgspec.DecodeError as error:
        raise Unavailable("The record of a removed node cannot be read.") from error


def write(stone: Stone) -> bytes:
    return msgspec.json.format(msgspec.json.encode(stone), indent=1)


def made(
    node: Node, user: str, now_s: float, fingerprint: str, files: Mapping[str, bytes], *, left: bool
) -> tuple[Stone, dict[str, bytes]]:
    """The stone for a node that goes, and the new content of every file that named it."""
    fresh = references.cleaned(files, node.name)
    links = {link.number: (link.address, link.priority) for link in node.links}
    cleaned = {path: digest_of(data) for path, data in fresh.items()}
    stone = Stone(node.name, node.node_id, node.votes, links, int(now_s), user, fingerprint, left, cleaned)
    return stone, fresh


def cleaning(
    stone: Stone, fresh: Mapping[str, bytes], files: Mapping[str, bytes], paths: Iterable[str], *, archive: bool
) -> Cleaning:
    """Everything at once: the stone, what was there before, the cleaned files and, with `archive`, the node's folder.
    An older stone of the same name gives way."""
    paths = tuple(paths)
    base = folder(stone.name)
    before = {copied(path, stone.name): files[path] for path in fresh}
    own = references.own_paths(paths, stone.name) if archive else []
    moved = tuple((path, archived(path, stone.name)) for path in own)
    coming = {*before, *(target for _, target in moved), stone_path(stone.name)}
    older = [path for path in paths if path.startswith(f"{base}/") and path not in coming]
    return Cleaning(
        expected={path: digest_of(files[path]) for path in fresh},
        moved=moved,
        written={**fresh, **before, stone_path(stone.name): write(stone), KEY_DUE: stone.name.encode()},
        removed=(*older, *_folders(own)),
    )


def archiving(name: str, paths: Iterable[str]) -> Cleaning:
    """The folder of a node that is gone, into its archive."""
    own = references.own_paths(paths, name)
    return Cleaning(moved=tuple((path, archived(path, name)) for path in own), removed=tuple(_folders(own)))


def archived(path: str, name: str) -> str:
    return f"{folder(name)}/node/{path.removeprefix(f'nodes/{name}/')}"


def copied(path: str, name: str) -> str:
    """Where a cleaned file lies as it was before."""
    return f"{folder(name)}/before/{path}"


def former(path: str, name: str) -> str:
    """Where an archived file of the node's folder was."""
    return f"nodes/{name}/{path.removeprefix(f'{folder(name)}/node/')}"


def own_again(paths: Iterable[str], name: str) -> Cleaning:
    """For a node that was taken out and is on its own now: its own folder back, and no record of it."""
    archive = f"{folder(name)}/node/"
    paths = [path for path in paths if path.startswith(f"{folder(name)}/")]
    moved = tuple((path, former(path, name)) for path in paths if path.startswith(archive))
    return Cleaning(moved=moved, removed=tuple(path for path in paths if not path.startswith(archive)))


def _folders(paths: Iterable[str]) -> list[str]:
    """The folders these files lie in, deepest first, without `nodes` itself."""
    found = {"/".join(path.split("/")[:depth]) for path in paths for depth in range(2, path.count("/") + 1)}
    return sorted(found, key=lambda path: -path.count("/"))
