"""The writing thread: one flush for whatever waits, in order; a failure is told once and never tried again."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cluster.core.operations import Write
from cluster.store import ahead, writer
from cluster.store import disk as store
from tests.store.scribe import Scribe, read_back


def test_many_records_share_a_transaction_and_are_told_in_order(scribe: Scribe) -> None:
    for number in range(600):
        scribe.append(Write("motd", b"%d" % number))
    scribe.settle()
    assert scribe.ear.told == sorted(scribe.ear.told) and scribe.ear.told[-1] == 600
    assert scribe.disk.counters().transactions < 300
    assert [entry.point.index for entry in scribe.disk.load().suffix] == list(range(1, 601))


def test_an_append_writes_one_row(scribe: Scribe) -> None:
    scribe.append(Write("motd", b"first"))
    scribe.settle()
    before = scribe.disk.counters().rows
    scribe.append(Write("motd", b"second"))
    scribe.settle()
    assert scribe.disk.counters().rows == before + 1


def test_looking_for_what_may_be_forgotten_touches_nothing_when_there_is_nothing(scribe: Scribe) -> None:
    scribe.append(Write("motd", b"first"))
    scribe.settle()
    counters = scribe.disk.counters()
    before = counters.transactions
    scribe.disk.trim()
    scribe.append(Write("motd", b"second"))  # comes after it
    scribe.settle()
    assert counters.transactions <= before + 1


def test_what_is_to_be_kept_is_written_by_itself_after_a_while(scribe: Scribe) -> None:
    scribe.write("motd", b"hello")
    assert scribe.disk.load().suffix
    scribe.await_true(lambda: not scribe.disk.load().suffix)
    assert scribe.disk.load().snapshot == scribe.machine.snapshot()


def test_what_is_to_be_kept_is_written_when_enough_has_come_together(
    scribe: Scribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "KEEP_AFTER_S", 3600.0)
    for number in range(writer.KEEP_ENTRIES + 1):
        scribe.append(Write("motd", b"%d" % number))
    scribe.settle()
    scribe.commit()
    scribe.await_true(lambda: not scribe.disk.load().suffix)


def test_closing_writes_everything(tmp_path: Path) -> None:
    scribe = Scribe(tmp_path / "store.db")
    for number in range(100):
        scribe.append(Write(f"file-{number}", b"x"))
    scribe.commit()
    scribe.disk.close()
    scribe.disk.close()
    assert not scribe.path.with_name("store.db-wal").exists()
    durable = read_back(scribe.path)
    assert len(durable.snapshot.entries) == 100 and not durable.suffix


def test_after_a_failure_nothing_more_is_written(scribe: Scribe) -> None:
    scribe.write("motd", b"x")
    told = list(scribe.ear.told)
    scribe.disk._writer._fail("The disk has had enough.", errno.EIO)  # type: ignore[union-attr]
    scribe.append(Write("motd", b"y"))
    scribe.ear.wait(lambda: bool(scribe.ear.failures))
    scribe.disk.close()
    assert scribe.ear.told == told and scribe.ear.failures == ["The disk has had enough."]
    assert len(read_back(scribe.path).suffix) <= 1


def test_a_disk_that_cannot_keep_up_is_told_instead_of_filling_the_memory(
    scribe: Scribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "BACKLOG_BYTES_MAX", 1 << 20)
    for number in range(200):
        scribe.append(Write(f"file-{number}", bytes(100_000)))
    scribe.ear.wait(lambda: bool(scribe.ear.failures))
    assert scribe.ear.failures[0].startswith("The disk is too slow: ") and len(scribe.ear.failures) == 1


def test_the_log_is_emptied_when_it_is_long_and_nobody_waits_for_that(
    scribe: Scribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    tidied, may_tidy = threading.Event(), threading.Event()

    def when_allowed(self: ahead.Ahead, tidy: Callable[[ahead.Ahead], None] = ahead.Ahead.tidy) -> None:
        assert may_tidy.wait(20)
        tidy(self)
        tidied.set()

    monkeypatch.setattr(ahead.Ahead, "tidy", when_allowed)
    for number in range(6):
        scribe.append(Write(f"file-{number}", bytes(1 << 20)))
    scribe.ear.wait(lambda: bool(scribe.ear.told))  # before the log may be emptied
    assert not tidied.is_set()
    may_tidy.set()
    scribe.ear.wait(lambda: scribe.ear.told[-1:] == [scribe.ticket])
    assert tidied.wait(20)
    grown = scribe.path.with_name("store.db-wal").stat().st_size
    for _ in range(20):
        scribe.append(Write("motd", bytes(1 << 20)))
        scribe.ear.wait(lambda: scribe.ear.told[-1:] == [scribe.ticket])
    assert scribe.path.with_name("store.db-wal").stat().st_size < grown + 2 * ahead.LOG_FILE_BYTES


@contextmanager
def small_disk(path: Path, size: str) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small disk")
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "small", str(path)], check=True, timeout=10)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True, timeout=10)


def test_a_full_disk_is_told_once_and_what_was_reported_is_still_there(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "600k") as folder:
        scribe = Scribe(folder / "store.db")
        for number in range(100):
            scribe.append(Write(f"file-{number}", os.urandom(20_000)))
            scribe.ear.wait(lambda: bool(scribe.ear.failures) or scribe.ear.told[-1:] == [scribe.ticket])
            if scribe.ear.failures:
                break
        assert scribe.ear.failures == ["Writing the store failed: database or disk is full."]
        reported = scribe.ear.told[-1]
        scribe.disk.close()
        subprocess.run(["mount", "-o", "remount,size=8m", str(folder)], check=True, timeout=10)
        disk = store.open_disk(scribe.path)
        assert len(disk.load().suffix) >= reported > 0 and disk.verify() == ()
        disk.close()


def test_a_store_that_became_read_only_is_told(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "8m") as folder:
        scribe = Scribe(folder / "store.db")
        scribe.write("motd", b"x")
        scribe.disk.close()
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True, timeout=10)
        with pytest.raises(store.Unavailable):
            store.open_disk(scribe.path)
        subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True, timeout=10)
        assert read_back(scribe.path).snapshot.entries[0].data == b"x"


def test_the_store_takes_no_more_memory_than_its_log_budget(scribe: Scribe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "KEEP_LOG_BYTES", 50_000)
    monkeypatch.setattr("cluster.store.records.KEEP_LOG_BYTES", 50_000)
    monkeypatch.setattr("cluster.store.records.TRIM_SLICE_BYTES", 10_000)
    monkeypatch.setattr(writer, "KEEP_ENTRIES", 10)
    for number in range(200):
        scribe.append(Write("motd", bytes(1000) + b"%d" % number))
    scribe.settle()
    scribe.commit()
    scribe.await_true(lambda: scribe.rows("log") < 60)
    assert scribe.disk.verify() == ()
