"""A node's own disk: an ext4 file system in a file, behind a loop device, mounted in the node alone.

A small one can be full, and from any one the power can be cut: from one moment to the next nothing reaches it, and what
the kernel had not written yet is gone.
"""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
from pathlib import Path

from lab.kernel import LabError, until

EXT4_SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN
WITHOUT_FLUSHING = 2


def make(image: str, mib: int) -> None:
    """An empty disk, unless there is one already."""
    if os.path.exists(image):
        return
    with open(image, "wb") as file:
        file.truncate(mib << 20)
    ran = subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", image], capture_output=True, text=True, timeout=60)
    if ran.returncode:
        raise LabError(f"the disk {image} could not be made: {ran.stderr.strip()}")


def mount(image: str, folder: str) -> None:
    """In the namespace of the caller."""
    subprocess.run(["mount", "-o", "loop", image, folder], check=True, timeout=30)


def wait_free(image: str) -> None:
    """A disk that is mounted twice is damaged; a node lets go of its own a moment after its last process died."""
    until(lambda: not _devices(image), 20, f"the disk {image} is still in use")


def shut_down(folder: Path) -> None:
    """Cut the power of the disk that is mounted here."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(descriptor, EXT4_SHUTDOWN, struct.pack("I", WITHOUT_FLUSHING))
    finally:
        os.close(descriptor)


def _devices(image: str) -> str:
    """The loop devices behind which a file lies."""
    argv = ["losetup", "--noheadings", "--output", "NAME", "--associated", image]
    return subprocess.run(argv, capture_output=True, text=True, timeout=30).stdout.strip()
