"""A store in use is held against other programs, whatever this process reads of its files meanwhile.

A process gives up all its POSIX locks on a file when it closes the file, through whatever descriptor (fcntl(2)).
Another program that then looks into the store believes itself alone and takes the log away.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from cluster.core.operations import Write
from cluster.store.scrub import Scrub
from tests.store.scribe import Scribe, read_back
from tests.store.test_writer import small_disk

LOOK = """
import contextlib, sqlite3, sys
with contextlib.closing(sqlite3.connect(sys.argv[1])) as connection:
    connection.execute("SELECT count(*) FROM tree").fetchone()
"""


def look_from_outside(scribe: Scribe) -> None:
    """What `sqlite3 store.db` does when an admin looks, or a backup tool."""
    subprocess.run([sys.executable, "-c", LOOK, str(scribe.path)], check=True, timeout=20)


def locked(path: Path) -> bool:
    """Does this process hold a POSIX lock on this file (proc_locks(5))?"""
    lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    inode = str(path.stat().st_ino)
    return any("POSIX" in line and str(os.getpid()) in line and line[5].endswith(f":{inode}") for line in lines)


def assert_nothing_is_lost(scribe: Scribe) -> None:
    for suffix in ("", "-shm"):
        assert locked(scribe.path.with_name(scribe.path.name + suffix)), f"the locks on store.db{suffix} are gone"
    log = scribe.path.with_name("store.db-wal")
    before = log.stat().st_ino
    look_from_outside(scribe)
    assert log.exists() and log.stat().st_ino == before, "the log was taken away while it was in use"
    scribe.write("after", b"somebody looked")
    scribe.disk.close()
    assert {entry.name for entry in read_back(scribe.path).snapshot.entries} >= {"before", "after"}


def test_a_look_from_another_program_takes_nothing_away(scribe: Scribe) -> None:
    scribe.write("before", b"anybody looked")
    assert_nothing_is_lost(scribe)


def test_nor_after_the_store_was_read_for_damage(scribe: Scribe) -> None:
    scribe.write("before", b"anybody looked")
    scrub = Scrub(scribe.path, scribe.machine.tree.entries.get)
    while scrub.next_slice():
        pass
    assert scrub.findings == []
    assert_nothing_is_lost(scribe)


def test_nor_once_the_log_has_been_emptied_many_times(scribe: Scribe) -> None:
    scribe.write("before", b"anybody looked")
    for number in range(12):
        scribe.append(Write(f"file-{number}", bytes(1 << 20)))
        scribe.settle()
    assert_nothing_is_lost(scribe)


def test_a_store_whose_disk_is_full_stays_open_for_those_who_read_it(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "600k") as folder:
        scribe = Scribe(folder / "store.db")
        for number in range(100):
            scribe.append(Write(f"file-{number}", os.urandom(20_000)))
            scribe.ear.wait(lambda: bool(scribe.ear.failures) or scribe.ear.told[-1:] == [scribe.ticket])
            if scribe.ear.failures:
                break
        index = scribe.path.with_name("store.db-shm")
        before = index.stat()
        assert locked(index), "the next to read it would make the index anew, on a full disk"
        look_from_outside(scribe)
        assert (index.stat().st_ino, index.stat().st_size) == (before.st_ino, before.st_size)
        scribe.disk.close()
        assert not index.exists() or not locked(index)
