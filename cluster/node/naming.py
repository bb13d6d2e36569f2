"""A node's name as it is now, where it is not the one the node was started with: it was renamed.

What the tree says of the node's id is its name; a machine that sees another than its own there keeps it on its disk and
begins anew, with its tasks under the new name. Figures of a renamed node go with it, on every node. Who renames is
`cluster/workflow/rename.py`.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from cluster.errors import Unavailable
from cluster.node.options import Options
from cluster.node.task_log import TaskFiles
from cluster.workflow.journal import replace_durably
from cluster.workflow.renaming import ROOT, new_name, note_path

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

LOOK_EVERY_S = 0.2

log = logging.getLogger(__name__)


class Kept(msgspec.Struct, frozen=True):
    """`given` is the name the node is started with; started with another, that one counts."""

    given: str
    name: str


def lasting(options: Options) -> Options:
    """The options with the name the node has now. Raises Unavailable."""
    kept = _read(_path(options))
    return replace(options, name=kept.name) if kept is not None and kept.given == options.name else options


class Naming:
    """`changed` once this node is called otherwise and has to begin anew."""

    def __init__(self, node: Daemon, given: str) -> None:
        self._node, self._options, self._given = node, node.options, given
        self.changed = False

    def pending(self) -> str:
        """The new name, as long as this node has not taken it; else ""."""
        life = self._node.life
        document = life.document() if life.is_open else None
        if document is None:
            return ""
        own_id, own = life.replica.node_id, self._options.name
        listed = next((node.name for node in document.nodes() if node.node_id == own_id), own)
        return new_name({note_path(listed): life.tree.read(note_path(listed)) or b""}, listed, own)

    async def watch(self) -> None:
        """Until this node has another name. Its own workflow is seen to its end first."""
        while True:
            self._carry_figures()
            if (name := self.pending()) and not self._node.workflows.busy:
                log.warning("This node is called %s now; it begins anew with that name.", name)
                TaskFiles(self._options.state_dir / "tasks").retitle(self._options.name, name)
                replace_durably(_path(self._options), msgspec.json.encode(Kept(self._given, name)))
                self.changed = True
                self._node.background.ended.set()
                return
            await asyncio.sleep(LOOK_EVERY_S)

    def _carry_figures(self) -> None:
        life = self._node.life
        tree = life.tree if life.is_open else None
        document = life.document() if tree is not None else None
        if tree is None or document is None or (folder := tree.find(ROOT)) is None:
            return
        for name in tree.children.get(folder.inode, ()):
            former = (tree.read(note_path(name)) or b"").decode().strip()
            if former and document.node(former) is None:
                self._node.archive.rename(former, name)


def _path(options: Options) -> Path:
    return options.state_dir / "name.json"


def _read(path: Path) -> Kept | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Kept)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise Unavailable(f"The record of this node's name, {path}, cannot be read.") from error
