"""An engine that lives in a lab node, used from the test's own process as if it were here; `agent.py` holds it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import msgspec

import cluster.errors
from cluster.engine.base import EngineEvent, EngineStatus, Measured
from lab import Lab
from tests.engine.agent import decode_event, decode_status, receive_frame, send_frame

ROOT = Path(__file__).resolve().parent.parent.parent


class RemoteEngine:
    """`multicast` blocks the test for the moment it takes, so that it raises what the engine raised."""

    name = "corosync"

    def __init__(self, lab: Lab, node: str) -> None:
        pairs = [socket.socketpair() for _ in range(3)]
        (self._calls, _), (self._sends, _), (self._events, _) = pairs
        theirs = [their.fileno() for _, their in pairs]
        argv = [*lab.enter(node), sys.executable, "-m", "tests.engine.agent", *map(str, theirs)]
        # nsenter goes to the root folder of the node; the code is found by path.
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(argv, pass_fds=theirs, env=env)
        for _, their in pairs:
            their.close()
        for mine in (self._calls, self._sends):
            mine.settimeout(90)
        self._listening = False

    async def start(self, on_event: Callable[[EngineEvent], None]) -> None:
        self._on_event = on_event
        if not self._listening:
            asyncio.get_running_loop().add_reader(self._events.fileno(), self._hear)
            self._listening = True
        await asyncio.to_thread(self._ask, self._calls, "start")

    async def stop(self) -> None:
        await asyncio.to_thread(self._ask, self._calls, "stop")

    async def join(self, group: str) -> None:
        await asyncio.to_thread(self._ask, self._calls, "join", group)

    async def leave(self, group: str) -> None:
        await asyncio.to_thread(self._ask, self._calls, "leave", group)

    async def reload(self) -> None:
        await asyncio.to_thread(self._ask, self._calls, "reload")

    async def status(self) -> EngineStatus:
        return decode_status(await asyncio.to_thread(self._ask, self._calls, "status"))

    async def config_version(self) -> int:
        version: int = await asyncio.to_thread(self._ask, self._calls, "config_version")
        return version

    async def measure(self, wanted: Collection[tuple[int, int]]) -> Measured | None:
        told = await asyncio.to_thread(self._ask, self._calls, "measure", [list(pair) for pair in wanted])
        return msgspec.convert(told, Measured | None)

    def multicast(self, group: str, payload: bytes) -> None:
        self._ask(self._sends, "multicast", group, payload)

    def flood(self, group: str, payloads: Sequence[bytes]) -> int:
        count: int = self._ask(self._sends, "flood", group, payloads)
        return count

    def signal(self, number: signal.Signals) -> None:
        """A signal to the process itself. The nsenter that waits for it stops when it stops, and needs waking too."""
        path = f"/proc/{self._process.pid}/task/{self._process.pid}/children"
        for pid in Path(path).read_text(encoding="utf-8").split():
            os.kill(int(pid), number)
        if number == signal.SIGCONT:
            os.kill(self._process.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self._process.wait(10)
        self.close()

    def close(self) -> None:
        """The agent ends with its sockets; one that does not is killed."""
        if self._listening:
            asyncio.get_running_loop().remove_reader(self._events.fileno())
            self._listening = False
        for mine in (self._calls, self._sends, self._events):
            mine.close()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self._process.wait(10)

    def _hear(self) -> None:
        frame = receive_frame(self._events)
        if frame is None:
            asyncio.get_running_loop().remove_reader(self._events.fileno())
            self._listening = False
        else:
            self._on_event(decode_event(*frame))

    def _ask(self, sock: socket.socket, method: str, *arguments: Any) -> Any:
        send_frame(sock, [method, arguments])
        answer = receive_frame(sock)
        if answer is None:
            raise cluster.errors.Unavailable("the process of this engine has ended")
        if answer[0] != "ok":
            raise getattr(cluster.errors, answer[0])(answer[1])
        return answer[1]
