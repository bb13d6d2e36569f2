"""A real daemon of a stand-alone node inside the test, asked as its control socket would ask it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import argon2

from cluster.control.requests import Request, StoreWrite
from cluster.core.operations import Mkdir, Remove, Rename, Touch, Write
from cluster.node import handlers
from cluster.node.daemon import Daemon, Options

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
AnyWrite = Write | Mkdir | Remove | Rename | Touch


class Alone:
    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon

    async def ask(self, request: Request) -> Any:
        return await handlers.table(self.daemon)[type(request)](request)

    async def write(self, path: str, text: str, **more: Any) -> str:
        """→ the revision, as people write it."""
        return named((await self.ask(StoreWrite(path, text.encode(), **more)))["revision"])

    async def change(self, *operations: AnyWrite, user: str = "uid 0") -> str:
        """One change through the mount."""
        revision = await self.daemon.life.driver.propose(operations, user=user, door="mount")
        return f"{revision.epoch}.{revision.index}"


def named(revision: list[int]) -> str:
    return f"{revision[0]}.{revision[1]}"


@contextlib.asynccontextmanager
async def alone(folder: Path, password: str = "") -> AsyncIterator[Alone]:
    """`password` is root@pam's. Yields once the node has made its own keys: a test's changes are the last ones."""
    folder.mkdir(mode=0o750, exist_ok=True)
    hashed = folder / "password.hash" if password else None
    if hashed is not None:
        hashed.write_text(CHEAP.hash(password))
    wire = folder / "wire.sock"
    daemon = Daemon(Options("alpha", folder, "127.0.0.1", engine="loopback", wire_path=wire, password_hash_file=hashed))
    await daemon.start()
    try:
        async with asyncio.timeout(30):
            while daemon.life.tree.find("nodes/alpha/pve-ssl.pem") is None:  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.01)
        yield Alone(daemon)
    finally:
        await daemon.stop()
