"""A control server on a socket of its own for tests, and a client that says exactly the bytes it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import msgpack

from cluster.control.framing import Deframer, frame
from cluster.control.server import ControlServer, Handler, StreamHandler


@contextlib.asynccontextmanager
async def serving(
    path: Path,
    handlers: Mapping[Any, Handler] | None = None,
    streams: Mapping[Any, StreamHandler] | None = None,
    **options: Any,
) -> AsyncIterator[ControlServer]:
    server = ControlServer(path, handlers or {}, streams or {}, **options)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


class RawClient:
    """Frames in, frames out, nothing checked."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self._deframer = Deframer()
        self._waiting: list[Any] = []

    def send(self, plain: Any) -> None:
        self.writer.write(frame(msgpack.packb(plain)))

    def ask(self, number: int, method: str, **fields: Any) -> None:
        self.send({"id": number, "request": {"method": method, **fields}})

    async def next(self, timeout_s: float = 5.0) -> Any:
        """The next message; None when the server has hung up."""
        async with asyncio.timeout(timeout_s):
            while not self._waiting:
                try:
                    received = await self._reader.read(1 << 16)
                except ConnectionError:
                    return None
                if not received:
                    return None
                self._waiting += [msgpack.unpackb(each, strict_map_key=False) for each in self._deframer.feed(received)]
        return self._waiting.pop(0)


@contextlib.asynccontextmanager
async def raw_client(path: Path) -> AsyncIterator[RawClient]:
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        yield RawClient(reader, writer)
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
    """Poll with a deadline."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - the condition is not ours to signal
            await asyncio.sleep(0.005)


def as_user(uid: int, act: Callable[[], object]) -> str:
    """What `act` returns, or how it fails, in a child process of another user. Blocks; needs root."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            try:
                said = repr(act())
            except Exception as error:
                said = f"{type(error).__name__}: {error}"
            os.write(writing, said.encode()[:4000])
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(child, 0)
    return said
