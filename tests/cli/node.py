"""A node for the command line to talk to: a real control socket with made-up answers, and pvecm as a real process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.control import requests as r
from cluster.control.server import ControlServer
from cluster.errors import Unavailable

ROOT = Path(__file__).resolve().parents[2]
UPID = "UPID:alpha:00001267:075BCD15:68A1B6C3:clusterjoin::root@pam:"


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


@contextlib.asynccontextmanager
async def node(folder: Path, handlers: dict[Any, Any] | None = None) -> AsyncIterator[Path]:
    """Answers `version` and whatever `handlers` say; → the socket's path."""

    async def version(_request: r.Version) -> dict[str, str]:
        return {"name": "Quire"}

    server = ControlServer(folder / "control.sock", {r.Version: version, **(handlers or {})})
    await server.start()
    try:
        yield server.path
    finally:
        await server.stop()


def answering(value: Any) -> Any:
    """A handler that always gives this result."""

    async def handler(_request: Any) -> Any:
        return value

    return handler


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "cluster.cli", *words]


def environment(socket: Path | str = "", **variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QUIRE_SOCKET")}
    return {**kept, "PYTHONPATH": str(ROOT), "QUIRE_SOCKET": str(socket), **variables}


async def pvecm(
    *words: str, socket: Path | str = "", stdin: bytes = b"", cwd: Path = ROOT, timeout_s: float = 30, **variables: str
) -> Ran:
    process = await asyncio.create_subprocess_exec(
        *command(*words),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=cwd,
        env=environment(socket, **variables),
    )
    try:
        async with asyncio.timeout(timeout_s):
            out, err = await process.communicate(stdin)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())


class Task:
    """A task as the daemon reports it; a test adds lines and ends it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.status: str | None = None
        self.asked: list[Any] = []
        self.looks = 0
        self.looks_in_vain = 0

    def ends(self, status: str, *lines: str) -> Task:
        self.lines += lines
        self.status = status
        return self

    def handlers(self) -> dict[Any, Any]:
        return {
            r.CreateCluster: self._begin,
            r.JoinCluster: self._begin,
            r.LeaveCluster: self._begin,
            r.TaskStatus: self._state,
            r.TaskLog: self._log,
        }

    async def _begin(self, request: Any) -> dict[str, str]:
        self.asked.append(request)
        return {"upid": UPID}

    async def _state(self, request: r.TaskStatus) -> dict[str, Any]:
        assert request.upid == UPID
        if self.looks_in_vain:
            self.looks_in_vain -= 1
            raise Unavailable("The daemon is busy serving a new certificate.")
        return {"upid": UPID, "end_time_s": 1 if self.status is not None else None, "status": self.status or ""}

    async def _log(self, request: r.TaskLog) -> dict[str, Any]:
        self.looks += 1
        shown = self.lines[request.start : request.start + request.limit]
        lines = [{"n": request.start + place, "t": line} for place, line in enumerate(shown, 1)]
        return {"total": len(self.lines), "lines": lines}
