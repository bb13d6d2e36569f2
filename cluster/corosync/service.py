"""The corosync daemon of this host: started, stopped, found running, and asked whether it would take a file.

Where systemd runs, corosync is systemd's. Elsewhere it is a process of its own session, which outlives the one that
started it, with what it says in `<state>/corosync.log`. Whether one runs is read off the lock that corosync itself
holds while it lives: no pid can be mistaken for another's, and a corosync that somebody else started is found too.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import re
import shutil
import signal
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from cluster.corosync.bounded import STUCK_MAX_FOR_POLLS, bounded
from cluster.corosync.cfg import Cfg
from cluster.errors import Unavailable

STANDARD_CONF = Path("/etc/corosync/corosync.conf")
LOCK = Path("/var/run/corosync.pid")  # made by corosync, which holds a record lock on it
SYSTEMD = Path("/run/systemd/system")  # there exactly while systemd is process 1 (sd_booted(3))
UNIT = "corosync.service"
START_TIMEOUT_S, STOP_TIMEOUT_S, KILL_TIMEOUT_S, CHECK_TIMEOUT_S = 30.0, 20.0, 5.0, 10.0
PAUSE_S = 0.05
LOG_SIZE_MAX = 1 << 20
LINES_QUOTED = 4

# "Nov 22 22:50:25.539 error   [MAIN  ] Could not open …", with or without the time
_PREFIX = re.compile(r"^(?:\w{3} +\d+ [\d:.]+ )?\w+ +\[\w+ *\] ")
_FAREWELL = re.compile(r"Corosync Cluster Engine exiting|^$")

log = logging.getLogger(__name__)


class CorosyncService:
    """Every method is bounded and raises nothing but Unavailable, with a sentence."""

    def __init__(self, conf: Path, state_dir: Path) -> None:
        self._conf, self._state_dir = conf, state_dir
        self._log_start = 0
        self._child: subprocess.Popen[bytes] | None = None  # if this very process started it; kept to be reaped

    @property
    def log_path(self) -> Path:
        return self._state_dir / "corosync.log"

    async def is_running(self) -> bool:
        return self._running_pid() is not None

    async def start(self) -> None:
        """Start it unless it runs, and wait until it answers."""
        if self._running_pid() is not None:
            log.info("Corosync runs already.")
        elif self._under_systemd():
            await self._start_unit()
        else:
            self._start_child()
        await self._wait_for_answer()

    async def stop(self) -> None:
        """Stop it in order; after a while, end it. One that does not run is stopped."""
        if self._under_systemd():
            await run(["systemctl", "stop", UNIT], STOP_TIMEOUT_S)
        for how, patience_s in ((signal.SIGTERM, STOP_TIMEOUT_S), (signal.SIGKILL, KILL_TIMEOUT_S)):
            if (pid := self._running_pid()) is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, how)
            await self._wait_until_gone(patience_s)
        if (pid := self._running_pid()) is not None:
            raise Unavailable(f"corosync (process {pid}) does not end, although it was killed")

    async def reload(self) -> None:
        """Make the corosync of every member read its corosync.conf again."""

        def reload() -> None:
            with closing(Cfg()) as cfg:
                cfg.reload()

        await bounded(reload, START_TIMEOUT_S, "reloading corosync.conf")

    async def check(self, conf: bytes) -> list[str]:
        """What this host's corosync would refuse about a corosync.conf; empty when it would take it.

        The key is not part of the question, so corosync is shown one made for the occasion."""
        folder = Path(tempfile.mkdtemp(prefix="check-", dir=self._state_dir))
        try:
            file, key = folder / "corosync.conf", folder / "authkey"
            key.write_bytes(bytes(256))
            file.write_bytes(conf + f"\ntotem {{\n  keyfile: {key}\n}}\n".encode())
            status, said = await run(["corosync", "-t", "-c", str(file)], CHECK_TIMEOUT_S)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if status == 0:
            return []
        return findings(said.replace(str(file), "corosync.conf")) or [f"corosync refuses it with status {status}"]

    # --- how it runs --------------------------------------------------------------------------------------------------

    def _under_systemd(self) -> bool:
        """Systemd's unit reads the standard file; a corosync of another file is never systemd's."""
        if self._conf != STANDARD_CONF or not SYSTEMD.is_dir():
            return False
        folders = ("/etc/systemd/system", "/run/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system")
        return any(Path(folder, UNIT).exists() for folder in folders)

    def _running_pid(self) -> int | None:
        if self._child is not None and self._child.poll() is not None:
            self._child = None
        return lock_holder(LOCK)

    async def _start_unit(self) -> None:
        status, said = await run(["systemctl", "start", UNIT], START_TIMEOUT_S)
        if status != 0:
            _, journal = await run(["journalctl", "-u", UNIT, "-n", "20", "-o", "cat", "--no-pager"], CHECK_TIMEOUT_S)
            raise Unavailable(f"corosync did not start: {quoted(journal) or said.strip()}")

    def _start_child(self) -> None:
        with suppress(FileNotFoundError):
            if self.log_path.stat().st_size > LOG_SIZE_MAX:
                self.log_path.replace(self.log_path.with_suffix(".log.1"))
        try:
            fd = os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
            with open(fd, "wb") as out:
                self._log_start = out.seek(0, os.SEEK_END)
                self._child = subprocess.Popen(
                    ["corosync", "-f", "-c", str(self._conf)],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    cwd="/",
                    env={"PATH": os.defpath + os.pathsep + "/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"},
                    start_new_session=True,
                )
        except OSError as error:
            raise Unavailable(f"corosync cannot be started: {error}") from error

    async def _wait_for_answer(self) -> None:
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + START_TIMEOUT_S
        while not await answers():
            if self._child is not None and (status := self._child.poll()) is not None:
                self._child = None
                raise Unavailable(f"corosync ended at once, with status {status}: {self._last_words()}")
            if loop.time() > deadline_s:
                await self._give_up()
                raise Unavailable(f"corosync does not answer after {START_TIMEOUT_S:g} s: {self._last_words()}")
            await asyncio.sleep(PAUSE_S)

    async def _give_up(self) -> None:
        """A corosync that we started and that does not answer is not left behind; one we found is not ours to end."""
        if self._child is not None:
            self._child.kill()
            await self._wait_until_gone(KILL_TIMEOUT_S)

    async def _wait_until_gone(self, timeout_s: float) -> None:
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + timeout_s
        while self._running_pid() is not None or self._child is not None:
            if loop.time() > deadline_s:
                return
            await asyncio.sleep(PAUSE_S)

    def _last_words(self) -> str:
        """The last lines that corosync said since it was started here."""
        try:
            with open(self.log_path, "rb") as file:
                file.seek(self._log_start)
                return quoted(file.read(LOG_SIZE_MAX).decode(errors="replace")) or "it said nothing"
        except OSError:
            return "what it said is in its own log"


# --- small questions --------------------------------------------------------------------------------------------------


def lock_holder(path: Path) -> int | None:
    """The pid of the process that holds a write lock on the file, None when nobody does."""
    layout = "hhqqi0q"  # struct flock: type, whence, start, length, pid
    try:
        with open(path, "rb") as file:
            asked = struct.pack(layout, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _, _, _, pid = struct.unpack(layout, fcntl.fcntl(file, fcntl.F_GETLK, asked))
    except OSError:
        return None
    return int(pid) if kind != fcntl.F_UNLCK and pid > 0 else None


async def answers() -> bool:
    """Whether a corosync on this host answers its libraries now."""
    try:
        await bounded(lambda: Cfg().close(), 1.0, "asking whether corosync runs", stuck_max=STUCK_MAX_FOR_POLLS)
    except Unavailable:
        return False
    return True


async def run(argv: Sequence[str], timeout_s: float) -> tuple[int, str]:
    """Exit status and output of a short command. Raises Unavailable when it is missing or does not end in time."""
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except OSError as error:
        raise Unavailable(f"{argv[0]} cannot be run: {error.strerror}") from error
    try:
        said, _ = await asyncio.wait_for(process.communicate(), timeout_s)
    except TimeoutError:
        raise Unavailable(f"{' '.join(argv[:2])} did not end within {timeout_s:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, said.decode(errors="replace")


def findings(said: str) -> list[str]:
    """Corosync's lines without time, level and farewell."""
    lines = (_PREFIX.sub("", line).strip() for line in said.splitlines())
    return [line for line in lines if not _FAREWELL.search(line)]


def quoted(said: str) -> str:
    """The last few of corosync's lines as one."""
    return "; ".join(findings(said)[-LINES_QUOTED:])
