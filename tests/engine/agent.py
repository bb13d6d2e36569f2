"""Holds one CorosyncEngine in a process of its own, inside a lab node, and lets a test in another process use it.

Run as `python -m tests.engine.agent CALLS SENDS EVENTS`, three inherited stream sockets: requests that may take a
while, requests that do not, and the engine's events. Each carries frames of a 4-byte length and msgpack. Ends when the
test closes them. `remote.py` is the other side.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import socket
import struct
import sys
import threading
from typing import Any

import msgspec

from cluster.engine.base import Delivered, EngineEvent, EngineLost, EngineStatus, GroupChanged, QuorumChanged
from cluster.engine.corosync import CorosyncEngine
from cluster.errors import QuireError
from tests.engine.contract import flood

EVENTS = {kind.__name__: kind for kind in (GroupChanged, Delivered, QuorumChanged, EngineLost)}
PATIENCE_S = 60.0


def send_frame(sock: socket.socket, value: Any) -> None:
    data = msgspec.msgpack.encode(value)
    sock.sendall(struct.pack("!I", len(data)) + data)


def receive_frame(sock: socket.socket) -> Any:
    """The next frame, decoded; None at the end of the stream."""
    head = receive_exactly(sock, 4)
    body = receive_exactly(sock, struct.unpack("!I", head)[0]) if head else b""
    return msgspec.msgpack.decode(body) if body else None


def receive_exactly(sock: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = sock.recv(size - len(parts))
        if not part:
            return b""
        parts += part
    return bytes(parts)


class Agent:
    def __init__(self) -> None:
        self.engine = CorosyncEngine()
        self.heard: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def hear(self, event: EngineEvent) -> None:
        self.heard.put([type(event).__name__, msgspec.to_builtins(event, builtin_types=(bytes,))])

    def tell(self, events: socket.socket) -> None:
        """In a thread of its own: the test may be waiting for an answer, and not read its events meanwhile."""
        with contextlib.suppress(OSError):
            while True:
                send_frame(events, self.heard.get())

    async def perform(self, method: str, arguments: list[Any]) -> Any:
        if method == "start":
            return await self.engine.start(self.hear)
        if method == "multicast":
            return self.engine.multicast(*arguments)
        if method == "flood":
            return flood(self.engine, *arguments)
        if method == "status":
            return msgspec.to_builtins(await self.engine.status(), str_keys=True)
        if method == "measure":
            return msgspec.to_builtins(await self.engine.measure([(peer, link) for peer, link in arguments[0]]))
        return await getattr(self.engine, method)(*arguments)

    async def answer(self, request: list[Any]) -> list[Any]:
        try:
            return ["ok", await self.perform(request[0], request[1])]
        except QuireError as error:
            return [type(error).__name__, error.message]


def serve(agent: Agent, sock: socket.socket, loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    """In a thread of its own: one request after the other, performed on the engine's loop."""
    while (request := receive_frame(sock)) is not None:
        answer = asyncio.run_coroutine_threadsafe(agent.answer(request), loop).result(PATIENCE_S)
        send_frame(sock, answer)
    loop.call_soon_threadsafe(ended.set)


async def main(fds: list[int]) -> None:
    calls, sends, events = (socket.socket(fileno=fd) for fd in fds)
    agent, ended = Agent(), asyncio.Event()
    threading.Thread(target=agent.tell, args=(events,), daemon=True).start()
    for sock in (calls, sends):
        arguments = (agent, sock, asyncio.get_running_loop(), ended)
        threading.Thread(target=serve, args=arguments, daemon=True).start()
    await ended.wait()
    await agent.engine.stop()


def decode_event(kind: str, plain: Any) -> EngineEvent:
    event: EngineEvent = msgspec.convert(plain, EVENTS[kind], strict=False)
    return event


def decode_status(plain: Any) -> EngineStatus:
    return msgspec.convert(plain, EngineStatus, strict=False)


if __name__ == "__main__":
    asyncio.run(main([int(argument) for argument in sys.argv[1:]]))
