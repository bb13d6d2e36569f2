"""Disks of their own for the measured nodes: an image file, a loop device, ext4, and what the device had to write.

A loop device counts only what its file system sends down, journal included, so nobody else's writes are in the figure.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

SECTOR_BYTES = 512
SECTORS_WRITTEN = 6  # the field of /sys/block/*/stat


class Disk:
    def __init__(self, folder: Path, device: str) -> None:
        self.folder, self._device = folder, device

    def written(self) -> int:
        """Bytes the device has been given so far; what still waits in memory goes down first."""
        run("sync", "--file-system", str(self.folder))
        figures = Path(f"/sys/block/{Path(self._device).name}/stat").read_text().split()
        return int(figures[SECTORS_WRITTEN]) * SECTOR_BYTES


@contextlib.contextmanager
def disks(base: Path, names: list[str], size_mib: int = 2048) -> Iterator[dict[str, Disk]]:
    """A mounted ext4 for each name below `base`, gone at the end."""
    made: dict[str, Disk] = {}
    try:
        for name in names:
            made[name] = make_disk(base, name, size_mib)
        yield made
    finally:
        for name in names:
            subprocess.run(["umount", "--lazy", str(base / name)], check=False, timeout=30, stderr=subprocess.DEVNULL)
        for name in names:
            (base / f"{name}.image").unlink(missing_ok=True)


def make_disk(base: Path, name: str, size_mib: int) -> Disk:
    image, folder = base / f"{name}.image", base / name
    folder.mkdir(parents=True)
    with open(image, "wb") as file:
        file.truncate(size_mib << 20)
    run("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(image))
    # The device goes with the last mount: `losetup` would leave it behind when we are killed.
    run("mount", "-o", "loop,noatime", str(image), str(folder))
    return Disk(folder, run("findmnt", "--noheadings", "--output", "SOURCE", str(folder)).strip())


def run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=60).stdout
