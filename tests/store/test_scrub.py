"""Reading a store in use again finds what changed on the disk behind it, beside writing, and writes nothing itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cluster.core.operations import Mkdir, Remove, Write
from cluster.errors import Unavailable
from cluster.store import scrub
from cluster.store.scrub import Scrub
from tests.store.scribe import Scribe


@pytest.fixture
def scribe(tmp_path: Path) -> Iterator[Scribe]:
    """A tree with contents inside and outside the log."""
    made = Scribe(tmp_path / "store.db")
    made.append(Mkdir("nodes"))
    for number in range(60):
        made.append(Write(f"nodes/file-{number}", b"%d " % number * number))
    made.settle()
    made.commit()
    made.disk.trim(keep_entries=30)
    made.await_true(lambda: made.rows("log") == 30)
    yield made
    made.disk.close()


def passed(scribe: Scribe) -> Scrub:
    one = Scrub(scribe.path, scribe.machine.tree.entries.get)
    while one.next_slice():
        pass
    return one


def test_a_store_that_is_well_has_no_findings_and_every_row_was_read(scribe: Scribe) -> None:
    one = passed(scribe)
    assert one.findings == []
    assert one.rows == scribe.rows("log") + scribe.rows("tree") + scribe.rows("remembered")


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE tree SET mtime_s = 0 WHERE name = 'file-50'", "does not have its checksum"),
        ("UPDATE content SET data = x'00' WHERE length(data) > 9", "does not have its checksum"),
        ("UPDATE log SET body = x'00' WHERE idx = 45", "Log entry 45 does not follow"),
        ("UPDATE remembered SET errno = 17 WHERE idx = 40", "remembered outcome of log entry 40"),
        ("UPDATE header SET body = x'00'", "header does not have its checksum"),
        ("DELETE FROM tree WHERE name = 'file-7'", "Rows of the store are missing."),
        ("DROP TABLE content", "no such table"),
    ],
)
def test_what_was_changed_behind_an_open_store_is_found(scribe: Scribe, statement: str, told: str) -> None:
    with closing(sqlite3.connect(scribe.path)) as connection:
        connection.execute(statement)
        connection.commit()
    assert any(told in finding for finding in passed(scribe).findings)


def test_a_page_changed_on_the_disk_alone_is_found(scribe: Scribe) -> None:
    with closing(sqlite3.connect(scribe.path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = scribe.path.read_bytes()
    place = content.index(b"59 59 59")
    with scribe.path.open("r+b") as file:
        file.seek(place)
        file.write(b"58")
    assert len(passed(scribe).findings) == 1


def test_a_row_forged_with_its_checksum_is_not_what_is_in_memory(scribe: Scribe) -> None:
    inode = scribe.machine.tree.find("nodes/file-9").inode  # type: ignore[union-attr]
    other = scribe.machine.tree.find("nodes/file-8")
    one = Scrub(scribe.path, lambda number: other if number == inode else scribe.machine.tree.entries.get(number))
    while one.next_slice():
        pass
    assert one.findings == []  # of another version: the disk is behind
    forged = Scribe(scribe.path.with_name("forged.db"))
    forged.append(Mkdir("nodes"))
    forged.append(Write("nodes/file-0", b"forged"))
    forged.settle()
    forged.commit()
    forged.disk.close()
    one = Scrub(forged.path, scribe.machine.tree.entries.get)
    while one.next_slice():
        pass
    assert "is not what this node has in memory" in one.findings[0]


def test_writing_trimming_and_replacing_the_log_meanwhile_is_no_finding(
    scribe: Scribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrub, "SLICE_ROWS", 3)
    one, number = Scrub(scribe.path, scribe.machine.tree.entries.get), 0
    while one.next_slice():
        number += 1
        scribe.write(f"nodes/file-{number % 60}", b"%d" % number)
        if number % 5 == 0:
            scribe.append(Remove(f"nodes/file-{number % 60}"))
            scribe.settle()
            scribe.commit()
            scribe.disk.trim(keep_entries=5)
    assert one.findings == [] and number > 20


def test_no_slice_is_longer_than_allowed(scribe: Scribe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrub, "SLICE_ROWS", 7)
    one, before = Scrub(scribe.path, scribe.machine.tree.entries.get), 0
    remembered = scribe.rows("remembered")  # summed up at once, without contents
    while one.next_slice():
        assert one.rows - before <= max(7, remembered)
        before = one.rows


def test_a_scrub_writes_nothing(scribe: Scribe) -> None:
    scribe.write("motd", b"the last change for now")
    scribe.disk.trim(keep_entries=30)
    scribe.await_true(lambda: not scribe.disk.load().suffix)  # nothing is left to be written
    before = written_bytes()
    assert passed(scribe).findings == []
    assert written_bytes() == before


def written_bytes() -> int:
    """What this process has had the kernel write to disks, or put aside for that."""
    lines = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(lines["write_bytes"])


def test_a_disk_that_cannot_be_read_is_no_finding(scribe: Scribe) -> None:
    one = Scrub(scribe.path.with_name("elsewhere.db"), scribe.machine.tree.entries.get)
    with pytest.raises(Unavailable):
        one.next_slice()
