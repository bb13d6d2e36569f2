"""Processes as /proc tells of them: who carries a tag, who holds a port, and ending a set of them for certain.

A tag is a variable in a process's environment: its children inherit it however they detach themselves, so what a
crashed program left behind can still be found. Knows nothing of nodes; the demo and the tests do.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

LISTENING = "0A"  # the state column of /proc/net/tcp


def started(pid: int) -> str:
    """When a process started, in clock ticks since boot (proc(5) field 22): with the pid, its identity. Empty: gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def alive(pid: int) -> bool:
    return started(pid) != ""


def parent(pid: int) -> int:
    """The process that waits for this one's end (proc(5) field 4); 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def pids() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def children(pid: int) -> list[int]:
    """The living children of a process."""
    found: list[int] = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, listing.read_text().split())
    return [child for child in found if alive(child)]


def tagged(tag: str) -> list[int]:
    """Every living process, this one aside, whose environment contains `tag` (NAME=value)."""
    wanted = tag.encode()
    found = []
    for pid in pids():
        if pid == os.getpid():
            continue
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted in environment and alive(pid):
            found.append(pid)
    return found


def send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def wait_gone(wanted: Iterable[int], timeout_s: float) -> list[int]:
    """Wait until the processes are gone; returns those that are still there at the end."""
    left = list(wanted)
    deadline = time.monotonic() + timeout_s
    while (left := [pid for pid in left if alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def end_tagged(tag: str, patience_s: float) -> None:
    """Ask every tagged process to end, and after `patience_s` end it. Returns when none is left, within 5 s more."""
    asked = tagged(tag)
    for pid in asked:
        send(pid, signal.SIGTERM)
    # By pid: a process that is on its way out has no environment any more, and yet is there.
    left = wait_gone(asked, patience_s)
    deadline = time.monotonic() + 5
    # More than once: a process may have started another between the look and the signal.
    while (left := sorted({*left, *tagged(tag)})) and time.monotonic() < deadline:
        for pid in left:
            send(pid, signal.SIGKILL)
        left = wait_gone(left, 1)


def holder_of_port(address: str, port: int) -> str:
    """In words, which process listens on an IPv4 address and port of this machine."""
    for inode in listening_sockets(address, port):
        for pid in pids():
            if inode in sockets_of(pid):
                return f"process {pid} ({command(pid)[:80]})"
    return "a process of another user"


def listening_sockets(address: str, port: int) -> list[str]:
    """Inodes of the sockets that listen on the address, or on every address, with that port."""
    octets = "".join(f"{int(part):02X}" for part in reversed(address.split(".")))
    wanted = {f"{octets}:{port:04X}", f"00000000:{port:04X}"}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [row[9] for row in rows if row[1] in wanted and row[3] == LISTENING]


def sockets_of(pid: int) -> set[str]:
    folder = f"/proc/{pid}/fd"
    found = set()
    try:
        for entry in os.listdir(folder):
            target = os.readlink(f"{folder}/{entry}")
            if target.startswith("socket:["):
                found.add(target[8:-1])
    except OSError:
        pass
    return found
