"""The mount's life: put it up, follow what the store commits, take it down.

Two threads do the rest: `serving.py` answers the kernel and `notices.py` tells it of changes; the event loop that calls
this does neither.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from pathlib import Path

from cluster.core.effects import Committed
from cluster.core.entry import Applied
from cluster.errors import Unavailable
from cluster.store.mount import channel, points
from cluster.store.mount.channel import Channel
from cluster.store.mount.door import StoreDoor
from cluster.store.mount.notices import Notices
from cluster.store.mount.operations import StoreFileSystem
from cluster.store.mount.protocol import ROOT_NODE
from cluster.store.mount.serving import Serving
from cluster.store.mount.view import View, node_of


class Mount:
    """The store as a directory. Every method is for the event loop of the store."""

    def __init__(self, door: StoreDoor, path: Path) -> None:
        self.path = path.absolute()
        self._door = door
        self._view = View()
        self._fs = StoreFileSystem(door, self._view)
        self._lock = threading.Lock()  # of the view and the file system
        self._up: tuple[Channel, Serving, Notices] | None = None

    async def start(self) -> None:
        """Raises Unavailable with the reason where FUSE is not to be had."""
        mounted = await asyncio.to_thread(self._put_up)
        notices = Notices(mounted)
        serving = Serving(mounted, self._fs, self._lock, notices)
        self._up = mounted, serving, notices
        self._view.replace(self._door.tree())
        self._view.writable = self._door.writable()
        notices.start()
        serving.start()

    def _put_up(self) -> Channel:
        points.clear_stale(self.path)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            mounted = channel.mount(self.path)
        except (Unavailable, OSError) as error:
            raise Unavailable(f"The store cannot be mounted at {self.path}: {error}.") from error
        try:
            mounted.greet()
        except Unavailable:
            points.unmount(self.path)
            mounted.close()
            raise
        return mounted

    async def stop(self) -> None:
        """Take it down, by force if need be. Never raises; a second call does nothing."""
        if self._up is None:
            return
        (mounted, serving, notices), self._up = self._up, None
        serving.give_up_waiting()
        await asyncio.to_thread(self._take_down, mounted, serving, notices)

    def _take_down(self, mounted: Channel, serving: Serving, notices: Notices) -> None:
        point = points.mounted_at(self.path)
        points.unmount(self.path)
        if not notices.stop() and point is not None:
            points.abort(point)  # a notice waits in the kernel for somebody who waits for us
        if serving.stop():
            mounted.close()

    # --- following the store ----------------------------------------------------------------------------------------

    def committed(self, changes: Iterable[Committed], whole: bool) -> None:
        """The tree has changed so; `whole` when it is another one."""
        if self._up is None:
            return
        if whole or not self._view.is_of(self._door.tree()):
            self._replaced()
            return
        for one in changes:
            if one.applied is not None:
                with self._lock:
                    self._view.follow(one.applied)
                    self._tell_changed(one.applied)

    def writable_changed(self) -> None:
        """The modes of everything follow from having or losing quorum."""
        if self._up is None:
            return
        if not self._view.is_of(self._door.tree()):
            self._replaced()
            return
        with self._lock:
            self._view.writable = self._door.writable()
            self._tell_everything()

    def _replaced(self) -> None:
        with self._lock:
            self._tell_names(self._view.replace(self._door.tree()))
            self._view.writable = self._door.writable()
            self._tell_everything()

    def _tell_everything(self) -> None:
        for node in (ROOT_NODE, *self._view.known):
            self._notice(node)

    def _tell_changed(self, applied: Applied) -> None:
        for entry in applied.before:
            if self._view.is_known(node_of(entry.inode)):
                self._notice(node_of(entry.inode))
        led = {(entry.parent, entry.name, entry.inode) for entry in applied.before}
        leads = {(entry.parent, entry.name, entry.inode) for entry in applied.entries}
        self._tell_names({(parent, name) for parent, name, _ in led ^ leads})

    def _tell_names(self, names: set[tuple[int, str]]) -> None:
        """A directory's listing is forgotten after the names: forgetting one waits for whoever lists it just now."""
        directories = set()
        for parent, name in sorted(names):
            if self._view.is_known(node_of(parent)):
                self._notice(node_of(parent), name.encode())
                directories.add(node_of(parent))
        for directory in sorted(directories):
            self._notice(directory)

    def _notice(self, node: int, name: bytes | None = None) -> None:
        if self._up is not None:
            self._up[2].add(node, name)
