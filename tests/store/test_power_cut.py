"""What was reported is there after the process is killed, and after the power goes: real processes, a real file system.

A cut is made with ext4's own shutdown call on a loop device: from one moment to the next nothing reaches the disk, and
what the kernel had not written yet is gone.
"""

from __future__ import annotations

import fcntl
import os
import random
import select
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.store.scribe import read_back

SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN
WITHOUT_FLUSHING = 2
START_S = 30.0
pytestmark = pytest.mark.slow


@contextmanager
def writing(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that writes to the store until it is killed."""
    command = [sys.executable, "-m", "tests.store.writes_until_killed", str(path)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        yield child
    finally:
        child.kill()
        child.wait(10)
        assert child.stdout is not None
        child.stdout.close()


def reported(child: subprocess.Popen[bytes], for_s: float, first_s: float = 0.0) -> int:
    """The last index that was reported: within `first_s` the first one, then all that follow within `for_s`."""
    assert child.stdout is not None
    until_s, last, rest = time.monotonic() + max(for_s, first_s), 0, b""
    while select.select([child.stdout], [], [], max(0.0, until_s - time.monotonic()))[0]:
        more = os.read(child.stdout.fileno(), 1 << 16)
        *lines, rest = (rest + more).split(b"\n")
        if lines and not last:
            until_s = time.monotonic() + for_s
        last = int(lines[-1]) if lines else last
        if not more or time.monotonic() > until_s:
            break
    return last


def reached(path: Path) -> int:
    durable = read_back(path)
    return durable.suffix[-1].point.index if durable.suffix else durable.snapshot.point.index


def test_a_killed_process_loses_nothing_it_reported(tmp_path: Path) -> None:
    path, dice = tmp_path / "store.db", random.Random(2)
    for _ in range(5):
        with writing(path) as child:
            last = reported(child, dice.random(), START_S)
            child.send_signal(signal.SIGKILL)
            child.wait(10)
        assert last > 0 and reached(path) >= last


def test_a_copy_of_the_files_at_any_moment_has_everything_reported_before(tmp_path: Path) -> None:
    path, dice = tmp_path / "store.db", random.Random(3)
    with writing(path) as child:
        last = reported(child, 0.1, START_S)
        for moment in range(15):
            last = max(last, reported(child, dice.random() * 0.2))
            child.send_signal(signal.SIGSTOP)
            last = max(last, reported(child, 0.0))
            copy = tmp_path / f"copy-{moment}"
            copy.mkdir()
            for name in ("store.db", "store.db-wal"):
                shutil.copy(tmp_path / name, copy / name)
            child.send_signal(signal.SIGCONT)
            assert last > 0 and reached(copy / "store.db") >= last


@contextmanager
def disk_of_its_own(path: Path) -> Iterator[Path]:
    """A small ext4 file system in a file, mounted; whatever its state, it is unmounted."""
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        pytest.skip("needs root and mkfs.ext4, to make a file system whose power can be cut")
    path.mkdir()
    image = path.with_suffix(".img")
    with image.open("wb") as file:
        file.truncate(64 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True, timeout=30)
    mount(image, path)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=False, timeout=30)


def mount(image: Path, path: Path) -> None:
    ran = subprocess.run(["mount", "-o", "loop", str(image), str(path)], capture_output=True, text=True, timeout=30)
    if ran.returncode:
        pytest.skip(f"needs loop devices: {ran.stderr.strip()}")


def cut_power(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    fcntl.ioctl(folder, SHUTDOWN, struct.pack("I", WITHOUT_FLUSHING))
    os.close(folder)


def test_a_power_cut_loses_nothing_that_was_reported(tmp_path: Path) -> None:
    dice = random.Random(4)
    with disk_of_its_own(tmp_path / "disk") as folder:
        path = folder / "store.db"
        for _ in range(3):
            with writing(path) as child:
                last = reported(child, dice.random(), START_S)
                cut_power(folder)
                last = max(last, reported(child, 0.0))
            subprocess.run(["umount", str(folder)], check=True, timeout=30)
            mount(folder.with_suffix(".img"), folder)
            assert last > 0 and reached(path) >= last
