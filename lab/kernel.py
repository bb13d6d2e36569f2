"""What the lab asks of Linux: mounts and namespaces by system call, links by the `ip` command, processes by /proc.

Plain functions over names and numbers; what a node is made of is `hosts.py`.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import time
from collections.abc import Iterable
from typing import Any

CLONE_FS = 0x00000200
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWPID = 0x00020000, 0x04000000, 0x08000000, 0x20000000
MS_NOSUID, MS_BIND, MS_REC, MS_PRIVATE = 2, 4096, 16384, 1 << 18
NETNS = "/run/netns"
OWNER_VARIABLE = "LAB_OWNER"  # one run of the tests, say; inherited by every program that makes a lab for it

_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """The lab could not do what it was asked; the message says why."""


def _call(name: str, *arguments: Any) -> None:
    converted = [value.encode() if isinstance(value, str) else value for value in arguments]
    if getattr(_libc, name)(*converted) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}{arguments}: {os.strerror(number)}")


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, options: str | None = None) -> None:
    _call("mount", source, target, kind, ctypes.c_ulong(flags), options)


def unshare(flags: int) -> None:
    _call("unshare", flags)


def enter_namespace(path: str) -> None:
    """Move the calling thread into the namespace that a file stands for."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _call("setns", fd, 0)
    finally:
        os.close(fd)


def enter_netns(name: str) -> None:
    """Move the calling thread into a named network namespace."""
    enter_namespace(f"{NETNS}/{name}")


def ip(*arguments: object, check: bool = True) -> str:
    ran = subprocess.run(["ip", *map(str, arguments)], capture_output=True, text=True, timeout=30)
    if check and ran.returncode:
        raise LabError(f"ip {' '.join(map(str, arguments))}: {ran.stderr.strip()}")
    return ran.stdout


def ip_batch(netns: str, lines: Iterable[str]) -> None:
    """Many `ip` commands inside a namespace, in one process."""
    text = "".join(f"{line}\n" for line in lines)
    ran = subprocess.run(
        ["ip", "-n", netns, "-batch", "-"], input=text, capture_output=True, text=True, timeout=30, check=False
    )
    if ran.returncode:
        raise LabError(f"ip -n {netns} -batch: {ran.stderr.strip()}")


def nft(netns: str, lines: Iterable[str]) -> None:
    """Changes to a namespace's packet filter, in one transaction."""
    text = "".join(f"{line}\n" for line in lines)
    argv = ["nsenter", f"--net={NETNS}/{netns}", "nft", "-f", "-"]
    ran = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=30, check=False)
    if ran.returncode:
        raise LabError(f"nft in {netns}: {ran.stderr.strip()}")


def add_netns(name: str) -> None:
    """Make a network namespace whose loopback interface is up and named after whoever it belongs to ($LAB_OWNER).

    The mark is inside the namespace, so that it goes when the namespace goes and no list of them has to be kept."""
    ip("netns", "add", name)
    ip("-n", name, "link", "set", "lo", "up", "alias", os.environ.get(OWNER_VARIABLE) or "nobody")


def owner_of_netns(name: str) -> str:
    """Who the namespace was made for; empty when it is gone or was made by something else."""
    shown = ip("-n", name, "link", "show", "dev", "lo", check=False)
    return next((line.split()[1] for line in shown.splitlines() if line.split()[:1] == ["alias"]), "")


def network_namespaces() -> list[str]:
    try:
        return sorted(os.listdir(NETNS))
    except FileNotFoundError:
        return []


def pids_in_netns(name: str) -> list[int]:
    return [int(word) for word in ip("netns", "pids", name, check=False).split()]


def namespace(pid: int | str, kind: str) -> str:
    """The identity of a process's namespace, empty when the process is gone."""
    try:
        return os.readlink(f"/proc/{pid}/ns/{kind}")
    except OSError:
        return ""


def until(true: Any, timeout_s: float, otherwise: str, pause_s: float = 0.01) -> None:
    """Wait until `true()` holds. Raises LabError(otherwise) when it does not within `timeout_s`."""
    deadline_s = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > deadline_s:
            raise LabError(otherwise)
        time.sleep(pause_s)
