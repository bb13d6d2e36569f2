"""Serves a tree at a mount point, in a process of its own: `python -m tests.store.mount_server PATH`.

Takes one JSON command per line on its standard input and answers each with one line. It ends with its input. Nothing
here touches the mount, which is its own. `mounted.py` is the other side.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cluster.core.effects import Committed
from cluster.core.messages import Point
from cluster.core.operations import AnyOperation, Command, Mkdir, Remove, Rename, Touch, Write
from cluster.core.tree import Tree
from cluster.errors import Busy, NoQuorum, OutcomeUnknown
from cluster.node.lock_watch import LockWatch
from cluster.store.mount import Mount

FAILURES = {
    "no-quorum": NoQuorum("lost"),
    "busy": Busy("too many"),
    "unknown": OutcomeUnknown("nobody can say", "r"),
}


class Door:
    """A door to a plain tree: what is proposed is done at once, or fails the way a test asked for."""

    node_name = "alpha"

    def __init__(self) -> None:
        self.mount: Mount | None = None
        self.the_tree = Tree(1, 1_700_000_000, 1)
        self.can_write = True
        self.fails = ""
        self.held = asyncio.Event()
        self.held.set()
        self.waiting = 0
        self.proposed: list[tuple[int, list[str]]] = []
        self.now_s = 0.0
        self.locks = LockWatch(lambda: self.now_s)
        self.debug = False
        self.texts = {".version": b'{"starttime": 1}\n', ".members": b"{}\n"}

    def tree(self) -> Tree:
        return self.the_tree

    def writable(self) -> bool:
        return self.can_write

    async def propose(self, operations: Sequence[AnyOperation], uid: int) -> None:
        self.waiting += 1
        await self.held.wait()
        self.waiting -= 1
        if self.fails:
            raise FAILURES[self.fails]
        self.do(operations, node_id=1)
        self.proposed.append((uid, [type(one).__name__ for one in operations]))

    def do(self, operations: Sequence[AnyOperation], node_id: int) -> None:
        applied = self.the_tree.apply(Command("r", node_id, 1_700_000_001_000, "u", "mount", tuple(operations)))
        self.locks.look(self.the_tree)
        if self.mount is not None:
            self.mount.committed([Committed(Point(1, self.the_tree.version), self.the_tree.version, applied)], False)

    def replace(self, files: dict[str, str], told: bool) -> None:
        """Another store, as after joining a cluster; unless `told`, the mount hears of it with the next change."""
        self.the_tree = Tree(1, 1_700_000_000, 1)
        for name, text in files.items():
            command = Command("r", 1, 1_700_000_001_000, "u", "mount", (Write(name, text.encode()),))
            self.the_tree.apply(command)
        if self.mount is not None and told:
            self.mount.committed((), True)

    async def unlock(self, path: str, uid: int) -> bool:
        lock = self.the_tree.find(path)
        if lock is None or not path.startswith("priv/lock/"):
            return False
        if self.locks.is_too_old(lock):
            self.do([Remove(path)], 1)
        return True

    def virtual(self, name: str) -> bytes:
        return (b"1\n" if self.debug else b"0\n") if name == ".debug" else self.texts.get(name, b"")

    def set_debug(self, on: bool) -> None:
        self.debug = on


KINDS: dict[str, type[AnyOperation]] = {"mkdir": Mkdir, "remove": Remove, "rename": Rename, "touch": Touch}


class Server:
    def __init__(self, path: Path) -> None:
        self.door = Door()
        self.mount = self.door.mount = Mount(self.door, path)
        self.requests: Counter[str] = Counter()
        self._count_requests()

    def _count_requests(self) -> None:
        """Count what the kernel asks, by name."""
        fs: Any = self.mount._fs
        for name in ("lookup", "getattr", "open", "read", "flush", "release", "readdir", "write"):
            setattr(fs, name, self._counted(name, getattr(fs, name)))

    def _counted(self, name: str, method: Any) -> Any:
        def counted(*arguments: Any, **named: Any) -> Any:
            self.requests[name] += 1
            return method(*arguments, **named)

        return counted

    def answer(self, command: str, *arguments: Any) -> Any:
        """Do what a test asks for."""
        door = self.door
        if command == "write":
            return door.do([Write(arguments[0], arguments[1].encode("latin-1"))], 2)
        if command in KINDS:
            return door.do([KINDS[command](*arguments)], 2)
        if command == "read":
            data = door.the_tree.read(arguments[0])
            return None if data is None else data.decode("latin-1")
        if command == "writable":
            door.can_write = arguments[0]
            return self.mount.writable_changed()
        if command == "fail":
            door.fails = arguments[0]
            return None
        if command == "hold":
            return door.held.clear() if arguments[0] else door.held.set()
        if command == "waiting":
            return door.waiting
        if command == "later":
            door.now_s += arguments[0]
            return None
        if command == "proposed":
            told, door.proposed = door.proposed, []
            return told
        if command == "requests":
            counted = dict(self.requests)
            self.requests.clear()
            return counted
        if command == "replace":
            return door.replace(*arguments)
        if command == "entries":
            return sorted(door.the_tree.path_of(entry.inode) for entry in door.the_tree.walk())
        if command == "virtual":
            door.texts[arguments[0]] = arguments[1].encode()
            return None
        raise ValueError(command)


async def main(path: Path) -> None:
    server = Server(path)
    await server.mount.start()
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print(json.dumps("mounted"), flush=True)
    while line := await reader.readline():
        print(json.dumps(server.answer(*json.loads(line))), flush=True)
    await server.mount.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
