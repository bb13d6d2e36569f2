"""Figures of the store, printed and not judged: how quickly it loads, and what a change costs the disk."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.core.machine import Machine
from cluster.core.operations import Mkdir, Write
from tests.store.scribe import Scribe, read_back

FILES = 10_000
CHANGES = 2_000
pytestmark = pytest.mark.slow

Say = Callable[[str], None]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    def tell(text: str) -> None:
        with capsys.disabled():
            print(f"\n  {text}")

    return tell


def test_a_store_of_ten_thousand_files_is_loaded(tmp_path: Path, say: Say) -> None:
    scribe = Scribe(tmp_path / "store.db")
    scribe.append(*(Mkdir(f"folder-{number}") for number in range(100)))
    for first in range(0, FILES, 100):
        writes = [
            Write(f"folder-{number % 100}/{number}.conf", os.urandom(1000)) for number in range(first, first + 100)
        ]
        scribe.append(*writes)
    scribe.settle()
    scribe.commit()
    scribe.disk.close()
    began_s = time.monotonic()
    durable = read_back(scribe.path)
    loaded_s = time.monotonic()
    assert len(Machine(durable, lambda text: {}).tree.entries) == FILES + 101
    say(
        f"{FILES} files of 1 kB: opened and verified in {loaded_s - began_s:.2f} s, the tree made in "
        f"{time.monotonic() - loaded_s:.2f} s, {scribe.path.stat().st_size / FILES:.0f} bytes a file on disk"
    )


@pytest.mark.parametrize("together", [1, 16])
def test_what_a_change_of_one_kibibyte_writes(tmp_path: Path, say: Say, together: int) -> None:
    """`together` writers, each waiting for its own: so many changes share a flush at most."""
    scribe = Scribe(tmp_path / "store.db")
    for number in range(200):
        scribe.append(Write(f"file-{number}", os.urandom(1024)))
    scribe.settle()
    scribe.commit()
    began_s, before, transactions = time.monotonic(), bytes_written(), scribe.disk.counters().transactions
    for _ in range(0, CHANGES, together):
        for _ in range(together):
            scribe.append(Write(f"file-{scribe.requests * 7 % 200}", os.urandom(1024)))
        scribe.settle()
        scribe.commit()
    took_s = time.monotonic() - began_s
    flushes = scribe.disk.counters().transactions - transactions
    scribe.disk.close()
    each = (bytes_written() - before) / CHANGES / 1024
    assert read_back(scribe.path).snapshot == scribe.machine.snapshot()
    say(f"{together:2d} writers: {CHANGES / took_s:.0f} changes/s, {flushes} transactions, {each:.1f} KiB to disk each")


def bytes_written() -> int:
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))
