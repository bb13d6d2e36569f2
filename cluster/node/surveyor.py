"""This host as a pre-flight looks at it: the real `Surveyor` of `cluster/workflow/surveyor.py`.

Every look is bounded and none raises; what cannot be seen is left empty. Packets are `probing.py`, the interfaces below
links `link_facts.py`; what is found is judged in `cluster/core/preflight.py`.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import psutil

from cluster import version
from cluster.core.survey import NodeFacts
from cluster.corosync.service import run
from cluster.errors import Unavailable
from cluster.node.answering import answers
from cluster.node.host_facts import read_facts
from cluster.node.kernel_clock import synchronised
from cluster.node.link_facts import link_facts
from cluster.node.options import Options
from cluster.node.probing import exchanging
from cluster.workflow.preflight import is_packaged_sample
from cluster.workflow.surveyor import NAMES_MAX, Exchange, Target

RESOLVE_S, VERSION_S = 3.0, 5.0
SSH_PORT = 22
KEEPERS = {
    "chronyd": "chrony", "ntpd": "ntpd", "systemd-timesyn": "systemd-timesyncd", "openntpd": "openntpd",
}  # fmt: skip
QDEVICE = "qdevice/net"  # certificates for a witness, below corosync's folder
PACKAGE = ("dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", "corosync")
_VERSION = re.compile(r"version '([0-9][^']{0,30})'")


class NodeSurveyor:
    """`patient` exchanges are a joining node's: whom it asks begins a moment later."""

    def __init__(self, options: Options) -> None:
        self._options, self._near = options, options.engine != "corosync"
        # A resolver that hangs must not hold up the daemon's threads.
        self._resolving = ThreadPoolExecutor(4, "resolve")
        self._corosync: str | None = None

    async def facts(self, links: Mapping[int, str], names: Sequence[str]) -> NodeFacts:
        host, corosync, package, ssh, resolves = await asyncio.gather(
            asyncio.to_thread(read_facts), self.corosync_version(), self._corosync_package(),
            self.reach(self._options.address, SSH_PORT), self._resolved(names[:NAMES_MAX]),
        )  # fmt: skip
        keeper, found = await asyncio.to_thread(lambda: (_time_source(), link_facts(links, self._near)))
        processor = host["cpuinfo"]
        return NodeFacts(
            self._options.name, time.time(), keeper, synchronised(), version.VERSION, corosync, processor["vendor"],
            processor["model"], _free_bytes(self._options.state_dir), ssh, found, resolves, package,
        )  # fmt: skip

    async def corosync_version(self) -> str:
        """Of the program that is installed; empty where another engine is used, or where there is none."""
        if self._corosync is None and not self._near:
            try:
                _, said = await run(["corosync", "-v"], VERSION_S)
            except Unavailable:
                said = ""
            found = _VERSION.search(said)
            self._corosync = found[1] if found else ""
        return self._corosync or ""

    async def _corosync_package(self) -> str:
        """Asked anew each time: an update is seen without a restart of the daemon."""
        if self._near:
            return ""
        try:
            status, said = await run(PACKAGE, VERSION_S)
        except Unavailable:
            return ""
        state, _, version_ = said.strip().partition(" ")
        return version_ if status == 0 and state == "installed" else ""

    async def _resolved(self, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
        loop = asyncio.get_running_loop()
        asked = {name: loop.run_in_executor(self._resolving, _resolve, name) for name in names}
        if asked:
            await asyncio.wait(asked.values(), timeout=RESOLVE_S)
        return {name: future.result() if future.done() else () for name, future in asked.items()}

    async def reach(self, address: str, port: int) -> bool:
        return await answers(address, port)

    def exchange(
        self, nonce: bytes, own: Mapping[int, str], targets: Sequence[Target], patient: bool = True
    ) -> AbstractAsyncContextManager[Exchange]:
        return exchanging(nonce, {} if self._near else own, targets, patient)

    # --- leftovers ----------------------------------------------------------------------------------------------------

    async def leftovers(self) -> tuple[str, ...]:
        return tuple(str(path) for path in self._leftovers())

    def _leftovers(self) -> list[Path]:
        folder, conf = self._options.configuration_dir, self._options.configuration
        found = [path for path in (self._options.authkey, folder / QDEVICE) if path.exists()]
        if conf.is_file() and not is_packaged_sample(conf.read_bytes()):
            found.append(conf)
        return sorted(found)

    async def set_leftovers_aside(self) -> str:
        return await asyncio.to_thread(self._set_aside)

    def _set_aside(self) -> str:
        found = self._leftovers()
        if not found:
            return ""
        name = f"leftovers-{time.time_ns() // 1_000_000}"
        target = self._options.backup_dir / name
        target.mkdir(parents=True, mode=0o700)
        for path in found:
            kept = target / path.name
            if path.is_dir():
                shutil.copytree(path, kept, symlinks=True)
            else:
                shutil.copy2(path, kept)
        os.sync()  # the copies are durable before what they are of goes
        for path in found:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return name


def _resolve(name: str) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))[:8]


def _time_source() -> str:
    running = {process.info["name"] for process in psutil.process_iter(["name"])}
    return next((shown for program, shown in KEEPERS.items() if program in running), "")


def _free_bytes(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0
