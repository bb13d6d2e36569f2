"""An engine's end of the wire: find it or start it, say hello, then read and write frames until it breaks.

Knows nothing of rings or groups. `put` never waits; what it queues is counted, and the engine decides how much is
too much. Next: `loopback.py`, its only user.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

from cluster.engine import wire_frames as frames
from cluster.errors import InvalidInput, QuireError, Unavailable

ROOT = Path(__file__).resolve().parents[2]
PATH_BYTES_MAX = 107  # sockaddr_un
READ_BYTES = 256 << 10
RETRY_S = 0.02
SPAWN_TIMEOUT_S = 8.0
CLOSE_TIMEOUT_S = 1.0
LOST = "The wire, which nodes on this machine hear each other through, is gone."


class WireLine:
    """A line on which hello was said. Tell it who listens; close it in the end, lost or not."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._early: list[frames.FromWire] = []
        self._frames = frames.Reader()
        self._queue: deque[bytes] = deque()
        self._queued = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.queued_bytes = 0

    @property
    def queued(self) -> int:
        return len(self._queue)

    async def greet(self, hello: frames.Hello) -> frames.Ring | None:
        """Say hello; the ring this node is in then, or None when the wire ends first. Raises `Unavailable`."""
        try:
            self._writer.write(frames.encode(hello))
            while not self._early:
                if not (data := await self._reader.read(READ_BYTES)):
                    return None
                self._early = [frames.read_at_engine(body) for body in self._frames.feed(data)]
        except ConnectionError:
            return None
        first = self._early.pop(0)
        if isinstance(first, frames.Ring):
            return first
        raise Unavailable(first.reason if isinstance(first, frames.Refused) else "The wire did not answer a hello.")

    def listen(self, on_frame: Callable[[frames.FromWire], None], on_lost: Callable[[str], None]) -> None:
        """From here on each frame goes to `on_frame`, in order, on the loop; `on_lost` is called once, if ever."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._read(on_frame, on_lost)), loop.create_task(self._write())]

    def put(self, frame: bytes) -> None:
        self._queue.append(frame)
        self.queued_bytes += len(frame)
        self._queued.set()

    async def close(self) -> None:
        """Hang up; nothing is told after this was called. Never raises."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await _close(self._writer)

    async def _read(self, on_frame: Callable[[frames.FromWire], None], on_lost: Callable[[str], None]) -> None:
        reason = LOST
        try:
            for message in self._early:
                on_frame(message)
            while data := await self._reader.read(READ_BYTES):
                for body in self._frames.feed(data):
                    message = frames.read_at_engine(body)
                    if isinstance(message, frames.Refused):
                        reason = f"The wire hung up: {message.reason}"
                    else:
                        on_frame(message)
        except OSError:
            pass
        except InvalidInput as error:
            reason = error.message
        self._writer.transport.abort()
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        on_lost(reason)

    async def _write(self) -> None:
        """When the line breaks while writing, it is the reader who notices and tells."""
        with contextlib.suppress(OSError):
            while True:
                await self._queued.wait()
                while self._queue:
                    frame = self._queue.popleft()
                    self.queued_bytes -= len(frame)
                    self._writer.write(frame)
                    await self._writer.drain()
                self._queued.clear()


async def open_line(path: Path, hello: frames.Hello, timeout_s: float) -> tuple[WireLine, frames.Ring]:
    """Say hello on the wire at this path, starting one when there is none; the first ring comes with it.

    Raises `Unavailable`."""
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                opened = await _try_open(path, hello)
                if opened is not None:
                    return opened
                await asyncio.sleep(RETRY_S)
    except TimeoutError:
        raise Unavailable(f"No wire answers at {path}.") from None
    except QuireError as error:
        raise Unavailable(error.message) from None


async def _try_open(path: Path, hello: frames.Hello) -> tuple[WireLine, frames.Ring] | None:
    """None when there is no wire yet, or it was about to end."""
    try:
        reader, writer = await asyncio.open_unix_connection(path)
    except (FileNotFoundError, ConnectionError):
        await _start_wire(path)
        return None
    except OSError as error:
        raise Unavailable(f"{path} cannot be connected to: {error.strerror or error}.") from None
    line = WireLine(reader, writer)
    try:
        ring = await line.greet(hello)
    except BaseException:
        await line.close()
        raise
    if ring is None:
        await line.close()
        return None
    return line, ring


async def _start_wire(path: Path) -> None:
    """Have a wire listen there, whoever starts it. Raises `Unavailable`."""
    if len(os.fsencode(path)) > PATH_BYTES_MAX:
        raise Unavailable(f"The path of the wire's socket is longer than {PATH_BYTES_MAX} bytes: {path}.")
    found_in = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    starter = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "cluster.engine.wire", os.fspath(path)),
        env={**os.environ, "PYTHONPATH": found_in},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(SPAWN_TIMEOUT_S):
            _, said = await starter.communicate()
    except TimeoutError:
        raise Unavailable("The wire could not be started in time.") from None
    finally:
        if starter.returncode is None:
            starter.kill()
            await starter.wait()
    if starter.returncode != 0:
        *_, last = ["no reason given", *said.decode(errors="replace").split("\n")[:-1]]
        raise Unavailable(f"The wire could not be started: {last}.")


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await writer.wait_closed()
