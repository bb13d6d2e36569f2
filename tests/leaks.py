"""What a test may leave behind, which is nothing: no child or detached process, no namespace, no mount.

Looks only; `conftest.py` decides when to look and what to say. Other runs on the same machine are not this run's
business: what this run starts carries its tag in the environment, and each namespace says whom it was made for.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from lab import processes
from lab.kernel import OWNER_VARIABLE, network_namespaces, owner_of_netns

THIS_RUN = f"tests-{os.getpid()}"
RUN_TAG = f"{OWNER_VARIABLE}={THIS_RUN}"
IN_CI = os.environ.get("CI", "").lower() in ("1", "true")


@dataclass(frozen=True)
class Belongings:
    """What of the machine this run holds at one moment."""

    children: frozenset[int]
    namespaces: frozenset[str]
    mounts: frozenset[str]

    def beyond(self, before: Belongings) -> list[str]:
        """A line for each thing that was not there before. A process on its way out is given a second to be gone."""
        staying = processes.wait_gone(sorted(self.children - before.children), 1)
        return [
            *(f"child process {pid}: {command(pid)}" for pid in staying),
            *(f"network namespace {name}" for name in sorted(self.namespaces - before.namespaces) if is_ours(name)),
            *(f"mount {point}" for point in sorted(self.mounts - before.mounts)),
        ]


def mark_this_run() -> None:
    """Every process started from here on carries the tag in its environment, however it detaches itself."""
    os.environ[OWNER_VARIABLE] = THIS_RUN


def belongings(temporary: Path) -> Belongings:
    """`temporary`: the folder below which this run's tests keep their files."""
    return Belongings(
        frozenset(processes.children(os.getpid())), frozenset(network_namespaces()), frozenset(mounts(temporary))
    )


def is_ours(namespace: str) -> bool:
    return owner_of_netns(namespace) == THIS_RUN


def mounts(folder: Path) -> list[str]:
    """Mount points that this process sees below a folder."""
    points = (line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines())
    return [point for point in points if Path(point.replace("\\040", " ")).is_relative_to(folder)]


def detached() -> list[str]:
    """Processes that carry this run's tag and are not this process, however they were started."""
    return [f"process {pid}: {command(pid)}" for pid in processes.tagged(RUN_TAG)]


def command(pid: int) -> str:
    return processes.command(pid)[:200] or "(gone)"
