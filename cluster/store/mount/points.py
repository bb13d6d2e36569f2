"""Mount points: what is mounted where, taking it down, and clearing away what a dead daemon left.

Nothing here opens or looks at a path below a mount point in this process: whoever asks a daemon that hangs, hangs.
"""

from __future__ import annotations

import logging
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cluster.errors import Unavailable

CONNECTIONS = Path("/sys/fs/fuse/connections")
ANSWER_TIMEOUT_S = 5.0
UNMOUNT_TIMEOUT_S = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Point:
    """What is mounted at a path last. `minor` names a FUSE connection."""

    kind: str
    minor: int


def mounted_at(path: Path) -> Point | None:
    found = None
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as mounts:
        for line in mounts:
            before, _, after = line.partition(" - ")
            _, _, device, _, point, *_ = before.split()
            if re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), point) == str(path):
                found = Point(after.split()[0], int(device.partition(":")[2]))
    return found


def clear_stale(path: Path) -> None:
    """Take down a mount whose daemon is gone or does not answer. Raises Unavailable where a living one is mounted."""
    point = mounted_at(path)
    if point is None or not point.kind.startswith("fuse"):
        return
    try:
        answered = subprocess.run(["stat", str(path)], capture_output=True, timeout=ANSWER_TIMEOUT_S).returncode == 0
    except subprocess.TimeoutExpired:
        answered = False
    if answered:
        raise Unavailable(f"The store cannot be mounted at {path}: another file system in use is there already.")
    abort(point)
    unmount(path)


def abort(point: Point) -> None:
    """Cut the kernel's connection: whoever waits for an answer is told that the file system is gone."""
    try:
        (CONNECTIONS / str(point.minor) / "abort").write_text("1")
    except OSError as error:
        log.info("A FUSE connection could not be aborted: %s.", error)


def unmount(path: Path) -> None:
    if mounted_at(path) is None:
        return
    command = ["umount", "-l"] if os.geteuid() == 0 else ["fusermount3", "-u", "-z"]
    try:
        done = subprocess.run([*command, str(path)], capture_output=True, text=True, timeout=UNMOUNT_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("%s could not be unmounted: %s.", path, error)
    else:
        if done.returncode:
            log.warning("%s could not be unmounted: %s", path, done.stderr.strip())
