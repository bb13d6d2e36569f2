"""The mount's life: put it up, tell the kernel of changes, take it down, and clear away what a dead daemon left.

Every notification goes through one thread of its own: told from the event loop, the kernel may wait for an answer that
the loop can no longer give, and nothing but an abort through fusectl frees such a process.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import queue
import re
import subprocess
import threading
from collections.abc import Iterable
from pathlib import Path

import pyfuse3
import pyfuse3.asyncio

from cluster.core.effects import Committed
from cluster.core.tree import ROOT, Entry
from cluster.errors import Unavailable
from cluster.store.mount import readiness
from cluster.store.mount.door import StoreDoor
from cluster.store.mount.operations import StoreFileSystem

UNMOUNT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 5.0
NOTICES_MAX = 100_000
WORKERS_KEPT = 16  # of pyfuse3's 99: idle ones beyond are ended, and to make one anew costs more than a request

log = logging.getLogger(__name__)


class Mount:
    """The store as a directory. One per process: the library underneath has one session."""

    def __init__(self, door: StoreDoor, path: Path) -> None:
        self.path = path.absolute()
        self._fs = StoreFileSystem(door)
        self._notices: queue.SimpleQueue[tuple[int, bytes | None] | None] = queue.SimpleQueue()
        self._serving: asyncio.Task[None] | None = None
        self._notifier: threading.Thread | None = None

    async def start(self) -> None:
        """Raises Unavailable with the reason where FUSE is not to be had."""
        await asyncio.to_thread(clear_stale, self.path)
        options = set(pyfuse3.default_options) | {"fsname=quire", "allow_other", "nosuid", "nodev"}
        pyfuse3.asyncio.enable()
        readiness.use()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            pyfuse3.init(self._fs, str(self.path), options)
        except (RuntimeError, OSError) as error:
            raise Unavailable(f"The store cannot be mounted at {self.path}: {error}.") from error
        self._serving = asyncio.get_running_loop().create_task(pyfuse3.main(min_tasks=WORKERS_KEPT))
        self._notifier = threading.Thread(target=self._notify_forever, name="mount-notices", daemon=True)
        self._notifier.start()

    async def stop(self) -> None:
        """Take it down, by force if need be. Never raises; a second call does nothing."""
        if self._serving is None:
            return
        self._notices.put(None)
        await asyncio.to_thread(_unmount, self.path)
        serving, self._serving = self._serving, None
        with contextlib.suppress(Exception):
            await asyncio.wait_for(asyncio.shield(serving), UNMOUNT_TIMEOUT_S)
        serving.cancel()
        with contextlib.suppress(Exception):
            pyfuse3.close(unmount=False)
        if self._notifier is not None:
            await asyncio.to_thread(self._notifier.join, UNMOUNT_TIMEOUT_S)

    # --- telling the kernel -----------------------------------------------------------------------------------------

    def committed(self, changes: Iterable[Committed], whole: bool) -> None:
        """The tree has changed so; `whole` when it is another one."""
        if whole:
            self.changed_wholly()
            return
        for one in changes:
            if one.applied is not None:
                self.changed(one.applied.before, one.applied.entries)

    def changed(self, before: Iterable[Entry], after: Iterable[Entry]) -> None:
        """Entries as they were and as they are: forget names and contents the kernel may have cached."""
        now = {entry.inode: entry for entry in after}
        for entry in before:
            there = now.get(entry.inode)
            if there is None or (there.parent, there.name) != (entry.parent, entry.name):
                self._notice_name(entry)
            if entry.inode + 1 in self._fs.looked_up:
                self._notice(entry.inode + 1, None)
        known = {(entry.parent, entry.name, entry.inode) for entry in before}
        for entry in now.values():
            if (entry.parent, entry.name, entry.inode) not in known:
                self._notice_name(entry)

    def _notice_name(self, entry: Entry) -> None:
        if entry.parent + 1 in self._fs.looked_up or entry.parent == ROOT:
            self._notice(entry.parent + 1, entry.name.encode())

    def changed_wholly(self) -> None:
        """Everything may differ: another tree, or modes that follow from having or losing quorum."""
        for inode in (pyfuse3.ROOT_INODE, *self._fs.looked_up):
            self._notice(inode, None)

    def _notice(self, inode: int, name: bytes | None) -> None:
        if self._notices.qsize() < NOTICES_MAX:
            self._notices.put((inode, name))
        else:
            log.error("The kernel is told of changes too slowly; the mount may show old content for a while.")

    def _notify_forever(self) -> None:
        while (notice := self._notices.get()) is not None:
            inode, name = notice
            try:
                if name is None:
                    pyfuse3.invalidate_inode(inode)
                else:
                    pyfuse3.invalidate_entry(inode, name)
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ENOTCONN, errno.EBADF):
                    log.warning("The kernel refused a notice for inode %d: %s", inode, error)


def clear_stale(path: Path) -> None:
    """Take down a mount whose daemon is gone or does not answer. Raises Unavailable where a living one is mounted."""
    if not mounted_as(path).startswith("fuse"):
        return
    try:
        # In a process of its own: whoever asks a daemon that hangs, hangs.
        answered = subprocess.run(["stat", str(path)], capture_output=True, timeout=ANSWER_TIMEOUT_S).returncode == 0
    except subprocess.TimeoutExpired:
        answered = False
    if answered:
        raise Unavailable(f"The store cannot be mounted at {path}: another file system in use is there already.")
    _unmount(path)


def mounted_as(path: Path) -> str:
    """The kind of file system mounted at a path last; empty when it is no mount point."""
    wanted, kind = str(path), ""
    with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as mounts:
        for line in mounts:
            _, point, found, *_ = line.split()
            if re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), point) == wanted:
                kind = found
    return kind


def _unmount(path: Path) -> None:
    if mounted_as(path):
        done = subprocess.run(["umount", "-l", str(path)], capture_output=True, text=True, timeout=UNMOUNT_TIMEOUT_S)
        if done.returncode:
            log.warning("%s could not be unmounted: %s", path, done.stderr.strip())
