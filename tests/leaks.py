"""What a test may leave behind, which is nothing: no child or detached process, no namespace, no mount.

Looks only; `conftest.py` decides when to look and what to say. Other runs on the same machine are not this run's
business: a namespace or mount counts only when a process of this run, or nobody, lives in it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

RUN_VARIABLE = "QUIRE_TEST_RUN"
RUN_TAG = f"{RUN_VARIABLE}={os.getpid()}"
NAMESPACES = Path("/run/netns")


@dataclass(frozen=True)
class Belongings:
    """What of the machine this run holds at one moment."""

    children: frozenset[int]
    namespaces: frozenset[str]
    mounts: frozenset[str]

    def beyond(self, before: Belongings) -> list[str]:
        """A line for each thing that was not there before."""
        return [
            *(f"child process {pid}: {command(pid)}" for pid in sorted(self.children - before.children)),
            *(f"network namespace {name}" for name in sorted(self.namespaces - before.namespaces)),
            *(f"mount {point}" for point in sorted(self.mounts - before.mounts)),
        ]


def mark_this_run() -> None:
    """Every process started from here on carries the tag in its environment, however it detaches itself."""
    os.environ[RUN_VARIABLE] = str(os.getpid())


def belongings() -> Belongings:
    return Belongings(frozenset(children()), frozenset(namespaces()), frozenset(mounts()))


def children() -> list[int]:
    """Living direct children of this process; one that has ended and waits to be reaped is no leak."""
    found: list[int] = []
    for thread in os.listdir("/proc/self/task"):
        try:
            listed = Path(f"/proc/self/task/{thread}/children").read_text()
        except OSError:
            continue
        found += [pid for pid in map(int, listed.split()) if state(pid) not in ("Z", "X", "")]
    return found


def namespaces() -> list[str]:
    """Named network namespaces that could be this run's: named after it."""
    try:
        return [name for name in os.listdir(NAMESPACES) if str(os.getpid()) in name]
    except OSError:
        return []


def mounts() -> list[str]:
    """Mount points this process sees below a temporary folder of this run's, or of FUSE."""
    points = [line.split()[1:3] for line in Path("/proc/self/mounts").read_text().splitlines()]
    return [point for point, kind in points if "pytest-" in point or str(os.getpid()) in point or kind == "fuse.quire"]


def detached() -> list[str]:
    """Processes that carry this run's tag, are not this process, and are not below it."""
    lines = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            environment = Path(f"/proc/{entry}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if RUN_TAG.encode() in environment and state(int(entry)) not in ("Z", "X", ""):
            lines.append(f"process {entry}: {command(int(entry))}")
    return lines


def state(pid: int) -> str:
    """The state letter of proc(5), empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()[:200]
    except OSError:
        return "(gone)"
