"""Where a store goes that cannot be trusted: set aside whole, with the reason, for people to look at.

Each has a folder of its own below `quarantine`. They are moved, never copied, so a full disk is no hindrance, and stay
within a budget: beyond it the oldest go, and the caller is told which, to say so. Nothing reads them back.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cluster.errors import Unavailable

KEPT_MAX = 5
KEPT_BYTES_MAX = 1 << 30
SUFFIXES = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One store that was set aside. `reason` is a sentence."""

    name: str
    path: str
    time_s: int
    reason: str
    bytes: int


def folder_of(store: Path) -> Path:
    return store.with_name("quarantine")


def listed(store: Path) -> tuple[Quarantined, ...]:
    """Newest first."""
    return tuple(sorted(_each(folder_of(store)), key=lambda one: (one.time_s, one.name), reverse=True))


def set_aside(store: Path, reason: str, now_s: int) -> tuple[Quarantined, ...]:
    """Move a store that nobody has open, with its write-ahead log. Returns those that had to go to make room.

    Raises Unavailable when the system does not let us; then the store is where it was.
    """
    place = _free_place(folder_of(store), now_s)
    try:
        place.mkdir(parents=True, mode=0o700)
        (place / "reason.json").write_text(json.dumps({"time_s": now_s, "reason": reason}) + "\n")
        for suffix in SUFFIXES[1:] + SUFFIXES[:1]:  # the store itself last: while it is there, it is not set aside
            source = store.with_name(store.name + suffix)
            if source.exists():
                os.rename(source, place / source.name)
        for folder in (place, place.parent, store.parent):
            _flush(folder)
    except OSError as error:
        raise Unavailable(f"The store {store} cannot be set aside: {error.strerror}.") from None
    return _make_room(store)


def _free_place(folder: Path, now_s: int) -> Path:
    """Two within one second do not meet."""
    number = 0
    while (place := folder / f"store-{now_s}{f'-{number}' if number else ''}").exists():
        number += 1
    return place


def _make_room(store: Path) -> tuple[Quarantined, ...]:
    """The newest stays, whatever its size."""
    gone, size = [], 0
    for number, one in enumerate(listed(store)):
        size += one.bytes
        if number and (number >= KEPT_MAX or size > KEPT_BYTES_MAX):
            shutil.rmtree(one.path, ignore_errors=True)
            gone.append(one)
    return tuple(gone)


def _each(folder: Path) -> Iterator[Quarantined]:
    for place in folder.glob("store-*"):
        told = {}
        with suppress(OSError, ValueError):  # a power cut came between; the store is there all the same
            told = json.loads((place / "reason.json").read_text())
        size = sum(file.stat().st_size for file in place.iterdir() if file.is_file())
        when = int(told.get("time_s", place.stat().st_mtime))
        yield Quarantined(place.name, str(place), when, str(told.get("reason", "")), size)


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
