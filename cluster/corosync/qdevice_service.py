"""The QDevice of this host: its certificates, and the process corosync-qdevice, started, stopped and found running.

As `service.py` does with corosync: systemd's where systemd runs, else a process of its own session. What is installed
is known by a mark beside the certificates; what somebody set up by hand has none and is never touched. When to do what
is decided by `cluster/node/witness.py`; what the device says of itself is `cluster/node/qdevice.py`.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from cluster.corosync.service import STANDARD_CONF, SYSTEMD, lock_holder, run
from cluster.errors import Unavailable

FOLDER = Path("/etc/corosync/qdevice/net")
LOCK = Path("/var/run/corosync-qdevice/corosync-qdevice.pid")
UNIT = "corosync-qdevice.service"
PROGRAMS = ("corosync-qdevice", "corosync-qdevice-net-certutil", "certutil", "pk12util")
PATH = os.defpath + os.pathsep + "/usr/sbin:/sbin"
MARK = "quire-witness"
COMMAND_S, STOP_S = 20.0, 5.0
PAUSE_S = 0.05


class QdeviceService:
    """Every method is bounded and raises nothing but Unavailable, with a sentence."""

    def __init__(self, conf: Path, folder: Path = FOLDER) -> None:
        self._conf, self._folder = conf, folder
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def installed(self) -> bool:
        """Are the programs here?"""
        return all(shutil.which(program, path=PATH) for program in PROGRAMS)

    @property
    def mark(self) -> str:
        """What the certificates here were installed for; "" where there are none of ours."""
        try:
            return (self._folder / MARK).read_text(encoding="utf-8")
        except OSError:
            return ""

    def is_running(self) -> bool:
        return self._pid() is not None

    # --- certificates -----------------------------------------------------------------------------------------------

    async def install(self, mark: str, ca: bytes, bundle: bytes) -> None:
        """In place of whatever was there. Without the mark, which comes last, it is done again."""
        self._clear()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".new-", dir=self._folder) as folder:
                for name, data in (("ca.crt", ca), ("node.p12", bundle)):
                    path = Path(folder, name)
                    path.touch(mode=0o600)
                    path.write_bytes(data)
                await self._certutil("-i", Path(folder, "ca.crt"))
                await self._certutil("-m", Path(folder, "node.p12"))
            (self._folder / MARK).write_text(mark, encoding="utf-8")
        except OSError as error:
            raise Unavailable(f"The witness's certificate cannot be kept: {error.strerror}.") from error

    async def _certutil(self, what: str, file: Path) -> None:
        status, said = await run(["corosync-qdevice-net-certutil", what, "-c", str(file)], COMMAND_S)
        if status != 0:
            raise Unavailable(f"The witness's certificate cannot be kept: {said.strip()[-200:]}")

    def remove(self) -> None:
        """What has our mark; by hand made things stay."""
        if self.mark:
            self._clear()

    def _clear(self) -> None:
        """The mark goes last, so that what is half gone is gone on with."""
        with suppress(FileNotFoundError):
            for path in self._folder.iterdir():
                if path.name != MARK:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            (self._folder / MARK).unlink(missing_ok=True)
        for folder in (self._folder, self._folder.parent):
            with suppress(OSError):  # where there is more in it than ours
                folder.rmdir()

    # --- the process ------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin; whether it stays is to be looked at: it ends by itself while corosync knows of no device."""
        if self._under_systemd():
            await run(["systemctl", "enable", UNIT], COMMAND_S)
            status, said = await run(["systemctl", "start", UNIT], COMMAND_S)
            if status != 0:
                raise Unavailable(f"corosync-qdevice did not start: {said.strip()[-200:]}")
            return
        self._start_child()

    def _start_child(self) -> None:
        try:
            LOCK.parent.mkdir(mode=0o770, exist_ok=True)
            self._child = subprocess.Popen(
                ["corosync-qdevice", "-f"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, cwd="/", env={"PATH": PATH, "LC_ALL": "C.UTF-8"}, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise Unavailable(f"corosync-qdevice cannot be started: {error}") from error

    async def stop(self) -> None:
        """One that does not run is stopped."""
        if self._under_systemd():
            await run(["systemctl", "disable", "--now", UNIT], COMMAND_S)
        for how in (signal.SIGTERM, signal.SIGKILL):
            if (pid := self._pid()) is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, how)
            await self._wait_until_gone()
        if self._pid() is not None:
            raise Unavailable("corosync-qdevice does not end, although it was killed")

    async def _wait_until_gone(self) -> None:
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + STOP_S
        while self._pid() is not None and loop.time() < deadline_s:  # noqa: ASYNC110
            await asyncio.sleep(PAUSE_S)

    def _pid(self) -> int | None:
        if self._child is not None and self._child.poll() is not None:
            self._child = None
        return lock_holder(LOCK)

    def _under_systemd(self) -> bool:
        return self._conf == STANDARD_CONF and SYSTEMD.is_dir()
