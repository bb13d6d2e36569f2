"""A store whose file was changed behind its back is refused, or reads as it was: never as something else."""

from __future__ import annotations

import contextlib
import random
import shutil
from pathlib import Path

import pytest

from cluster.core.machine import Durable
from cluster.core.operations import Mkdir, Write
from cluster.errors import StoreDamaged, Unavailable
from cluster.store import schema
from cluster.store.disk import open_disk
from tests.store.scribe import Scribe, read_back

FLIPS = 300


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Durable]:
    """A store with a tree, contents inside and outside the log, and entries that are not kept."""
    scribe = Scribe(tmp_path_factory.mktemp("written") / "store.db")
    scribe.append(Mkdir("nodes"))
    for number in range(60):
        scribe.append(Write(f"nodes/file-{number}", b"%d " % number * random.Random(number).randrange(400)))
    scribe.settle()
    scribe.commit()
    scribe.disk.trim(keep_entries=30)
    scribe.await_true(lambda: scribe.rows("log") == 30)
    for number in range(3):
        scribe.append(Write("motd", b"%d" % number))
    scribe.disk.close()
    return scribe.path, read_back(scribe.path)


def test_a_flipped_bit_is_noticed_or_changes_nothing(written: tuple[Path, Durable], tmp_path: Path) -> None:
    original, expected = written
    dice, noticed, path = random.Random(1), 0, tmp_path / "store.db"
    content = original.read_bytes()
    for _ in range(FLIPS):
        place, bit = dice.randrange(len(content)), 1 << dice.randrange(8)
        path.write_bytes(content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :])
        try:
            read = read_back(path)
        except (StoreDamaged, Unavailable):
            noticed += 1
        else:
            assert read == expected, f"bit {bit} of byte {place} changed what is read, and nobody noticed"
        for leftover in tmp_path.iterdir():
            leftover.unlink()
    assert noticed > FLIPS / 5  # the rest hit pages that are not in use


def test_a_store_cut_short_is_noticed(written: tuple[Path, Durable], tmp_path: Path) -> None:
    original, _ = written
    content, path = original.read_bytes(), tmp_path / "store.db"
    for length in (0, 1, 100, 4096, len(content) // 2, len(content) - 4096):
        path.write_bytes(content[:length])
        with pytest.raises((StoreDamaged, Unavailable)):
            read_back(path)
        for leftover in tmp_path.iterdir():
            leftover.unlink()


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("DELETE FROM tree WHERE name = 'file-7'", "Rows of the store are missing."),
        ("DELETE FROM remembered WHERE idx = 40", "Rows of the store are missing."),
        ("DELETE FROM content WHERE version = (SELECT min(version) FROM content)", "is missing"),
        ("DELETE FROM log WHERE idx = 45", "does not follow the one before it"),
        ("DELETE FROM log WHERE idx >= 50", "The log does not reach entry 61"),
        ("DELETE FROM header", "header"),
        ("UPDATE log SET epoch = epoch + 1 WHERE idx = 45", "does not follow the one before it"),
        ("UPDATE log SET body = x'00' WHERE idx = 64", "does not follow the one before it"),
        ("UPDATE tree SET name = 'forged' WHERE name = 'file-7'", "(forged) does not have its checksum"),
        ("UPDATE tree SET parent = 12345 WHERE name = 'file-7'", "does not have its checksum"),
        ("UPDATE tree SET mtime_s = 0 WHERE name = 'file-50'", "does not have its checksum"),
        ("UPDATE tree SET operation = 1 WHERE name = 'file-50'", "is missing"),
        ("UPDATE content SET data = x'00' WHERE length(data) > 9", "does not have its checksum"),
        ("UPDATE remembered SET errno = 17 WHERE idx = 40", "remembered outcome of log entry 40"),
        ("UPDATE header SET body = x'00'", "header does not have its checksum"),
        ("DROP TABLE content", "no such table"),
    ],
)
def test_rows_changed_by_hand_are_noticed_and_named(
    written: tuple[Path, Durable], tmp_path: Path, statement: str, told: str
) -> None:
    path = tmp_path / "store.db"
    shutil.copy(written[0], path)
    with schema.connect(path) as connection:
        connection.execute(statement)
    with pytest.raises(Unavailable, match=told.replace("(", r"\(").replace(")", r"\)")):
        read_back(path)
    disk = open_disk(path)
    assert any(told in finding for finding in disk.verify())
    disk.close()


def test_another_stores_write_ahead_log_is_not_taken_for_ours(written: tuple[Path, Durable], tmp_path: Path) -> None:
    other = Scribe(tmp_path / "other.db")
    for number in range(50):
        other.append(Write(f"strange-{number}", b"x" * 500))
    other.settle()
    path = tmp_path / "store.db"
    shutil.copy(written[0], path)
    shutil.copy(tmp_path / "other.db-wal", tmp_path / "store.db-wal")
    with contextlib.suppress(StoreDamaged, Unavailable):
        assert read_back(path) == written[1]
    other.disk.close()
