"""The thread that answers the kernel, with a test in the kernel's place: a socket that keeps packets apart."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import random
import socket
import threading
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from cluster.core.operations import AnyOperation, Command, Mkdir, Write
from cluster.core.tree import Tree
from cluster.store.mount import protocol as p
from cluster.store.mount.calls import CALLS
from cluster.store.mount.channel import Channel
from cluster.store.mount.notices import Notices
from cluster.store.mount.operations import StoreFileSystem
from cluster.store.mount.serving import Serving
from cluster.store.mount.view import View, node_of

PATIENCE_S = 10.0


class Door:
    """Takes every change and does nothing, once `let` is set."""

    node_name = "alpha"

    def __init__(self) -> None:
        self.let = asyncio.Event()

    def tree(self) -> Tree:
        raise AssertionError("the mount's thread asked for the store's own tree")

    def writable(self) -> bool:
        return True

    async def propose(self, operations: Sequence[AnyOperation], uid: int) -> None:
        await self.let.wait()

    async def unlock(self, path: str, uid: int) -> bool:
        return False

    def virtual(self, name: str) -> bytes:
        return b"{}"

    def set_debug(self, on: bool) -> None:
        pass


class Kernel:
    """Asks and reads answers."""

    def __init__(self, line: socket.socket) -> None:
        self.line = line
        self._unique = 0

    def send(self, opcode: int, node: int = 1, body: bytes = b"") -> int:
        self._unique += 2
        header = p.IN_HEADER.pack(p.IN_HEADER.size + len(body), opcode, self._unique, node, 0, 0, 1, 0, 0)
        self.line.send(header + body)
        return self._unique

    def hear(self) -> tuple[int, int, bytes]:
        """Whose answer, its error, and what it says."""
        answer = self.line.recv(1 << 21)
        length, failure, unique = p.OUT_HEADER.unpack_from(answer)
        assert length == len(answer)
        return unique, -failure, answer[p.OUT_HEADER.size :]

    def ask(self, opcode: int, node: int = 1, body: bytes = b"") -> tuple[int, bytes]:
        unique = self.send(opcode, node, body)
        whose, failure, said = self.hear()
        assert whose == unique
        return failure, said


@contextlib.asynccontextmanager
async def served() -> AsyncIterator[tuple[Kernel, Serving, Door, int]]:
    """A tree with `folder/file` in it; the last is the kernel's number of the file."""
    tree = Tree(1, 1_700_000_000, 1)
    tree.apply(Command("r", 1, 1_700_000_000_000, "u", "m", (Mkdir("folder"), Write("folder/file", b"content"))))
    view, door = View(), Door()
    view.replace(tree)
    view.writable = True
    theirs, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.settimeout(PATIENCE_S)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
    channel = Channel(ours.detach())
    notices = Notices(channel)
    serving = Serving(channel, StoreFileSystem(door, view), threading.Lock(), notices)
    serving.start()
    notices.start()
    entry = tree.find("folder/file")
    assert entry is not None
    try:
        yield Kernel(theirs), serving, door, node_of(entry.inode)
    finally:
        serving.give_up_waiting()
        assert await asyncio.to_thread(notices.stop) and await asyncio.to_thread(serving.stop)
        channel.close()
        theirs.close()


def run(scene: Callable[[Kernel, Serving, Door, int], object]) -> None:
    async def play() -> None:
        async with served() as (kernel, serving, door, file):
            done = scene(kernel, serving, door, file)
            if asyncio.iscoroutine(done):
                await done

    asyncio.run(play())


def test_reading_needs_nothing_of_the_event_loop() -> None:
    def scene(kernel: Kernel, serving: Serving, door: Door, file: int) -> None:  # the loop waits for this to end
        failure, said = kernel.ask(p.OPEN, file, p.OPEN_IN.pack(0, 0))
        assert (failure, p.OPEN_OUT.unpack(said)) == (0, (0, p.KEEP_CACHE | p.NO_FLUSH, 0))
        assert kernel.ask(p.READ, file, p.READ_IN.pack(0, 3, 100) + bytes(20)) == (0, b"tent")
        assert kernel.ask(p.RELEASE, file, p.HANDLE_IN.pack(0) + bytes(16)) == (0, b"")
        assert kernel.ask(p.LOOKUP, 1, b"folder\0")[0] == 0
        assert kernel.ask(p.GETATTR, file, p.GETATTR_IN.pack(0, 0, 0))[0] == 0
        assert b"folder" in kernel.ask(p.READDIRPLUS, 1, p.READ_IN.pack(0, 0, 8192) + bytes(20))[1]

    run(scene)


@pytest.mark.parametrize("opcode", [number for number in (*range(60), 4096, 1 << 31) if number not in CALLS])
def test_what_is_not_known_is_not_implemented(opcode: int) -> None:
    def scene(kernel: Kernel, serving: Serving, door: Door, file: int) -> None:
        assert kernel.ask(opcode, file, bytes(64)) == (errno.ENOSYS, b"")

    run(scene)


def test_odd_requests_get_an_error_and_the_next_is_answered() -> None:
    """Cut short, with random bodies and numbers of nothing: each is answered once, but those the kernel wants no
    answer to."""
    chance = random.Random(20)
    silent = (p.FORGET, p.BATCH_FORGET)

    async def scene(kernel: Kernel, serving: Serving, door: Door, file: int) -> None:
        door.let.set()
        for _ in range(1500):
            opcode = chance.choice([one for one in CALLS if one not in silent] + [0, 27, 99])
            body = chance.randbytes(chance.choice([0, 1, 7, 8, 16, 40, 41, 88, 120, 300]))
            node = chance.choice([0, 1, 2, file, 1 << 61, (1 << 62) + 3, (1 << 62) + 99, chance.getrandbits(64)])
            failure, said = await asyncio.to_thread(kernel.ask, opcode, node, body)
            assert 0 <= failure < 200 and (not said or not failure)
        for opcode in silent:
            kernel.send(opcode, file, chance.randbytes(8))
        failure, said = await asyncio.to_thread(kernel.ask, p.READ, file, p.READ_IN.pack(0, 0, 100) + bytes(20))
        assert (failure, said[:7]) == (0, b"content")

    run(scene)


def test_who_waits_for_the_cluster_when_the_mount_ends_is_told_that_nobody_knows() -> None:
    async def scene(kernel: Kernel, serving: Serving, door: Door, file: int) -> None:
        waits = kernel.send(p.MKDIR, 1, p.MKDIR_IN.pack(0, 0) + b"new\0")
        # Taken in order: when this one is answered, the one before has gone to the loop.
        assert (await asyncio.to_thread(kernel.ask, p.GETATTR, file, p.GETATTR_IN.pack(0, 0, 0)))[0] == 0
        serving.give_up_waiting()
        assert await asyncio.to_thread(kernel.hear) == (waits, errno.EIO, b"")
        assert await asyncio.to_thread(kernel.ask, p.MKDIR, 1, p.MKDIR_IN.pack(0, 0) + b"new\0") == (errno.EIO, b"")

    run(scene)
