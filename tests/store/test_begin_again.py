"""A store that cannot be trusted goes to the quarantine, and what only it may have is not lost."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cluster.core.effects import InstallRecord
from cluster.core.machine import Durable, Machine
from cluster.core.operations import Command, Write, decode_body
from cluster.errors import StoreDamaged, StoreTooNew, Unavailable
from cluster.node.waking import wake, wake_blank
from cluster.store import disk as store
from cluster.store import mark as marks
from cluster.store import quarantine, schema
from cluster.store.begin_again import begin_again
from cluster.store.load import read_log
from cluster.store.mark import Mark
from cluster.store.salvage import salvage
from tests.store.scribe import LINEAGE, Scribe, read_back

FLIPS = 200
OURS = Mark(LINEAGE, 1)


@pytest.fixture
def scribe(tmp_path: Path) -> Scribe:
    """Closed, with two entries that nobody knows to be committed."""
    made = Scribe(tmp_path / "store.db")
    for number in range(20):
        made.write(f"file-{number}", b"%d" % number * 50)
    made.disk.trim(keep_entries=20)
    made.await_true(lambda: not made.disk.load().suffix)
    for name in ("charlie-1", "charlie-2"):
        made.append(Write(name, b"perhaps nowhere else"))
    made.settle()
    made.disk.close()
    return made


def woken(path: Path) -> Durable:
    disk, durable = wake(path)
    disk.close()
    return durable


def names(durable: Durable) -> list[str]:
    found = [decode_body(entry.body) for entry in durable.suffix]
    return [body.operations[0].path for body in found if isinstance(body, Command)]  # type: ignore[union-attr]


# --- the mark ---------------------------------------------------------------------------------------------------------


def test_the_mark_says_whose_the_store_is_and_how_far_it_was_on_disk(scribe: Scribe) -> None:
    last = scribe.machine.log.last
    assert marks.read(scribe.path) == Mark(LINEAGE, 1, 0, last.epoch, last.index)
    assert marks.place_of(scribe.path).stat().st_size == marks.RECORD_BYTES


@pytest.mark.parametrize("content", [b"", b"noise" * 200, bytes(512)])
def test_a_mark_that_cannot_be_read_accuses_nobody(scribe: Scribe, content: bytes) -> None:
    marks.place_of(scribe.path).write_bytes(content)
    assert marks.read(scribe.path) is None and names(woken(scribe.path)) == ["charlie-1", "charlie-2"]


def test_an_older_copy_is_not_opened(scribe: Scribe, tmp_path: Path) -> None:
    shutil.copy(scribe.path, tmp_path / "old.db")
    again = Scribe(scribe.path, make=False)
    again.write("newer", b"1")
    again.disk.close()
    shutil.copy(tmp_path / "old.db", scribe.path)
    with pytest.raises(StoreDamaged, match="older copy"):
        read_back(scribe.path)
    assert woken(scribe.path).blank


def test_a_lost_write_ahead_log_is_noticed(scribe: Scribe, tmp_path: Path) -> None:
    again = Scribe(scribe.path, make=False)
    again.append(Write("newer", b"1"))
    again.settle()
    for name in ("store.db", "store.mark"):
        (tmp_path / "copy").mkdir(exist_ok=True)
        shutil.copy(tmp_path / name, tmp_path / "copy" / name)
    again.disk.close()
    with pytest.raises(StoreDamaged, match="lost its newest part"):
        read_back(tmp_path / "copy" / "store.db")


def test_what_is_put_back_on_purpose_is_opened(scribe: Scribe, tmp_path: Path) -> None:
    shutil.copy(scribe.path, tmp_path / "old.db")
    again = Scribe(scribe.path, make=False)
    again.write("newer", b"1")
    again.disk.close()
    store.restore(scribe.path, tmp_path / "old.db")
    assert names(woken(scribe.path)) == ["charlie-1", "charlie-2"]


# --- set aside, and begun again ---------------------------------------------------------------------------------------


def test_what_is_set_aside_is_kept_whole_with_the_reason(scribe: Scribe) -> None:
    before = scribe.path.read_bytes()
    begin_again(scribe.path, "Row 7 is wrong.", OURS, 1700000000)
    (aside,) = quarantine.listed(scribe.path)
    assert (aside.time_s, aside.reason) == (1700000000, "Row 7 is wrong.")
    assert (Path(aside.path) / "store.db").read_bytes() == before
    assert oct(Path(aside.path).stat().st_mode & 0o777) == "0o700"


def test_the_quarantine_keeps_the_newest(scribe: Scribe) -> None:
    for number in range(quarantine.KEPT_MAX + 3):
        begin_again(scribe.path, f"Reason {number}.", OURS, 1700000000 + number // 2)
    reasons = [one.reason for one in quarantine.listed(scribe.path)]
    assert len(reasons) == quarantine.KEPT_MAX and reasons[0] == f"Reason {quarantine.KEPT_MAX + 2}."


def test_the_blank_store_keeps_the_promise_and_has_no_say(scribe: Scribe) -> None:
    begin_again(scribe.path, "Why not.", Mark(LINEAGE, 1, 77, 8, 9), 1)
    durable = read_back(scribe.path)
    assert (durable.uuid, durable.node_id, durable.blank, durable.promised) == (LINEAGE, 1, True, 77)
    assert durable.snapshot.entries == () and durable.snapshot.electorate == {}


def test_a_node_in_no_cluster_has_nobody_to_fill_it_and_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store.create(path, LINEAGE, 0, 1)
    disk, _ = wake(path)
    disk.close()
    marks.write(path, Mark(LINEAGE, 0))
    path.write_bytes(b"rubbish" * 1000)
    for _ in range(2):
        with pytest.raises(
            StoreDamaged, match="in no cluster, so no other has a copy. Stop it; then either put a backup"
        ):
            wake(path)
    assert path.read_bytes() == b"rubbish" * 1000 and quarantine.listed(path) == ()
    path.unlink()
    with pytest.raises(StoreDamaged, match=r"file is gone\. This node is in no cluster"):
        wake(path)


def test_a_store_of_a_later_version_is_not_damaged(scribe: Scribe) -> None:
    with closing(schema.connect(scribe.path)) as connection:
        connection.execute("PRAGMA user_version = 9")
    with pytest.raises(StoreTooNew):
        wake(scribe.path)
    assert quarantine.listed(scribe.path) == ()


def test_a_power_cut_between_setting_aside_and_beginning_again_loses_nothing(
    scribe: Scribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as cut:
        cut.setattr("cluster.store.quarantine._make_room", cut_power)
        with pytest.raises(KeyboardInterrupt):
            begin_again(scribe.path, "Row 7 is wrong.", OURS, 1)
    assert not scribe.path.exists()
    marks.forget(scribe.path)  # not even that is needed
    durable = woken(scribe.path)
    assert durable.blank and names(durable) == ["charlie-1", "charlie-2"]


def cut_power(*_: object) -> None:
    raise KeyboardInterrupt


# --- what is saved ----------------------------------------------------------------------------------------------------


def test_changes_not_known_to_be_committed_go_to_the_journal_unless_the_cluster_has_them(scribe: Scribe) -> None:
    disk, durable = wake_blank(scribe.path, "A scrub found something.", OURS)
    assert durable.blank and names(durable) == ["charlie-1", "charlie-2"]
    others = Machine(Durable(LINEAGE, 2, snapshot=scribe.machine.snapshot()), lambda text: {})
    others.log.suffix.append(durable.suffix[0])  # the first one reached a majority
    others.commit(dict.fromkeys(range(9), durable.suffix[0].point.index), [])
    mine = Machine(durable, lambda text: {})
    dropped = mine.log.after(mine.log.commit.index)
    mine.adopt(others.snapshot())
    told = tuple(entry for entry in dropped if mine.would_lose(entry))
    disk.close()
    again = Scribe(scribe.path, make=False)
    snapshot = others.snapshot()
    again.persist(InstallRecord(9, snapshot.point.index, snapshot, (), told))
    again.settle()
    (conflict,) = again.disk.conflicts()
    body = decode_body(conflict.entry.body)
    assert isinstance(body, Command) and body.user == "alice@pve"
    assert body.operations == (Write("charlie-2", b"perhaps nowhere else"),)
    again.disk.close()


def test_the_conflict_journal_moves_along(scribe: Scribe) -> None:
    again = Scribe(scribe.path, make=False)
    dropped = tuple(again.machine.log.suffix)
    again.persist(InstallRecord(9, again.machine.log.commit.index, None, (), dropped))
    again.settle()
    told = again.disk.conflicts()
    again.disk.close()
    assert len(told) == 2
    begin_again(scribe.path, "Why not.", OURS, 1)
    disk = store.open_disk(scribe.path)
    assert disk.conflicts() == told
    disk.close()


@pytest.mark.parametrize(
    "statement", ["DELETE FROM header", "DROP TABLE conflicts", "UPDATE tree SET checksum = x'00'"]
)
def test_one_damaged_table_does_not_keep_the_rest_from_being_saved(scribe: Scribe, statement: str) -> None:
    with closing(sqlite3.connect(scribe.path)) as connection:
        connection.execute(statement)
        connection.commit()
    saved = [decode_body(entry.body) for entry in salvage(scribe.path).entries[-2:]]
    paths = [body.operations[0].path for body in saved if isinstance(body, Command)]  # type: ignore[union-attr]
    assert paths == ["charlie-1", "charlie-2"]


@pytest.mark.parametrize("content", [b"", b"\0" * 8192, b"SQLite format 3\0" + b"\xff" * 8000])
def test_where_nothing_can_be_read_nothing_is_saved_and_nothing_fails(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "store.db").write_bytes(content)
    assert salvage(tmp_path / "store.db").entries == ()
    begin_again(tmp_path / "store.db", "Rubbish.", OURS, 1)
    assert read_back(tmp_path / "store.db").blank


# --- flipped bits -----------------------------------------------------------------------------------------------------


def flipped(content: bytes, dice: random.Random) -> bytes:
    place, bit = dice.randrange(len(content)), 1 << dice.randrange(8)
    return content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :]


@pytest.mark.parametrize("which", ["store.db", "store.db-wal", "store.mark"])
def test_no_flipped_bit_reaches_the_others(scribe: Scribe, tmp_path: Path, which: str) -> None:
    """Every flip is harmless, or the store is begun again blank and what is saved of it is what was written."""
    again = Scribe(scribe.path, make=False)  # as a killed process leaves it: the newest part is in the log
    again.append(Write("dora", b"newest"))
    again.settle()
    names_ = ("store.db", "store.db-wal", "store.mark")
    original = {name: (tmp_path / name).read_bytes() for name in names_}
    expected = again.disk.load()
    with again.disk._reading() as connection:
        written = set(read_log(connection, 0))
    again.disk.close()
    dice, found, folder = random.Random(which), 0, tmp_path / "flipped"
    if which == "store.db-wal":  # the rest of it is room
        original[which] = original[which][: 32 + 40 * (24 + 4096)]
    for _ in range(FLIPS):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name in names_:
            (folder / name).write_bytes(flipped(original[name], dice) if name == which else original[name])
        try:
            durable = woken(folder / "store.db")
        except (StoreTooNew, Unavailable):
            found += 1  # refused, and left as it is
            continue
        assert set(durable.suffix) <= written
        if durable.blank:
            found += 1
            assert len(quarantine.listed(folder / "store.db")) == 1 and durable.snapshot.entries == ()
        else:
            assert durable == expected
    print(f"{which}: {found} of {FLIPS} flips found, the rest without effect")
    assert found or which == "store.mark"  # which accuses nobody when it cannot be read
