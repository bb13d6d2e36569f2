"""What is written to a store is read back: the tree, the log, outcomes, histories, backups, other lineages."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.core.effects import AppendRecord, InstallRecord, PromiseRecord
from cluster.core.log import FIRST, chained
from cluster.core.machine import REMEMBERED_MS
from cluster.core.messages import Point
from cluster.core.operations import (
    Command,
    ElectorateChange,
    EpochStart,
    Mkdir,
    Remove,
    Rename,
    Touch,
    Write,
    encode_body,
)
from cluster.core.snapshot import Remembered
from cluster.errors import Conflict, StoreDamaged, Unavailable
from cluster.store import conflicts, lineage, schema, writer
from cluster.store import disk as store
from cluster.store.base import first_point
from tests.store.scribe import EPOCH, LINEAGE, Scribe, read_back

# --- opening ----------------------------------------------------------------------------------------------------------


def test_t54_a_new_store_is_empty_alone_and_readable_by_root_only(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store.create(path, LINEAGE, 7, 2)
    disk = store.open_disk(path)
    durable = disk.load()
    assert disk.identity() == (LINEAGE, 7) == (durable.uuid, durable.node_id)
    assert (durable.blank, durable.promised, durable.suffix) == (False, 0, ())
    assert durable.snapshot.point == first_point(LINEAGE) and durable.snapshot.electorate == {7: 2}
    assert durable.snapshot.entries == () and disk.verify() == ()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    disk.close()


def test_a_store_is_not_made_where_there_is_one(scribe: Scribe) -> None:
    with pytest.raises(Conflict):
        store.create(scribe.path, "another", 1, 1)


def test_a_store_is_open_in_one_place_only(scribe: Scribe) -> None:
    with pytest.raises(Unavailable, match="open in another process"):
        store.open_disk(scribe.path)
    with pytest.raises(Unavailable, match="open in another process"):
        lineage.blank(scribe.path, "another", 1)
    scribe.disk.close()
    store.open_disk(scribe.path).close()


def test_what_is_no_store_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        store.open_disk(tmp_path / "missing.db")
    (tmp_path / "text.db").write_text("This is a letter to Bob. " * 400)
    with pytest.raises(StoreDamaged):
        store.open_disk(tmp_path / "text.db")
    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreDamaged):
        store.open_disk(tmp_path / "empty.db")


def test_a_store_of_a_later_format_is_left_alone(scribe: Scribe) -> None:
    scribe.disk.close()
    with schema.connect(scribe.path) as connection:
        connection.execute("PRAGMA user_version = 2")
    with pytest.raises(StoreDamaged, match="format 2"):
        store.open_disk(scribe.path)


# --- log and tree -----------------------------------------------------------------------------------------------------


def test_what_is_committed_and_kept_comes_back_as_the_tree_and_the_rest_as_the_log(scribe: Scribe) -> None:
    scribe.write("motd", b"hello")
    scribe.append(Mkdir("nodes"))
    scribe.settle()
    scribe.commit()
    waiting = scribe.append(Write("nodes/alpha", b"not committed"))
    scribe.settle()
    expected = scribe.machine.snapshot()
    scribe.disk.close()
    durable = read_back(scribe.path)
    assert durable.snapshot == expected and durable.suffix == (waiting,)


def test_everything_a_tree_can_do_is_kept_row_for_row(scribe: Scribe) -> None:
    steps = [
        [Mkdir("a"), Mkdir("b"), Write("a/one", b"1"), Write("a/two", b"")],
        [Rename("a/one", "b/one")],
        [Write("b/one", b"again" * 1000), Touch("b/one", 12345)],
        [Touch("b/one", 54321)],
        [Write("a/two", b"same"), Write("b/two", b"same")],
        [Rename("b/one", "a/two")],
        [Remove("b/two"), Remove("b")],
        [Write("no/such", b"refused")],
        [Mkdir("a/c/d", parents=True), Write("a/c/d/e", b"deep"), Rename("a/c/d/e", "e")],
        [Write("gone", b"x"), Remove("gone")],
    ]
    for step in steps:
        for keep_together in (False, True):
            scribe.append(*step)
            if not keep_together:
                scribe.settle()
                scribe.commit()
    scribe.settle()
    scribe.commit()
    expected = scribe.machine.snapshot()
    again = scribe.reopen()
    assert again.machine.snapshot() == expected and again.disk.verify() == ()
    again.disk.close()


def test_kept_one_by_one_or_all_together_makes_the_same_rows(tmp_path: Path) -> None:
    kept = []
    for name in ("one by one", "together"):
        scribe = Scribe(tmp_path / f"{name}.db")
        for number in range(30):
            scribe.append(Write(f"file-{number % 4}", b"%d" % number), Touch(f"file-{number % 4}", number))
            if number % 7 == 0:
                scribe.append(Remove(f"file-{number % 4}"))
            if name == "one by one":
                scribe.commit()
                scribe.disk.trim(keep_bytes=1 << 30)  # writes what is to be kept
        scribe.settle()
        scribe.commit()
        scribe.disk.close()
        kept.append(read_back(scribe.path).snapshot)
    assert kept[0] == kept[1]


def test_an_entry_whose_body_means_nothing_is_carried_along(scribe: Scribe) -> None:
    scribe.append(body=b"\xc1 noise")
    scribe.settle()
    scribe.commit()
    scribe.write("motd", b"x")
    again = scribe.reopen()
    assert again.machine.tree.read("motd") == b"x"
    again.disk.close()


def test_a_content_is_stored_once(scribe: Scribe) -> None:
    scribe.write("motd", os.urandom(100_000))
    again = scribe.reopen()
    assert again.rows("content") == 0 and again.path.stat().st_size < 200_000
    again.disk.close()


def test_promises_only_rise(scribe: Scribe) -> None:
    scribe.persist(PromiseRecord(9))
    scribe.persist(PromiseRecord(4))
    scribe.settle()
    assert scribe.disk.load().promised == 9


def test_the_electorate_is_on_disk_without_waiting_for_anything(
    scribe: Scribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "KEEP_AFTER_S", 3600.0)
    scribe.append(body=encode_body(ElectorateChange({1: 1}, {1: 1, 2: 1})))
    scribe.settle()
    scribe.commit()
    scribe.await_true(lambda: scribe.disk.load().snapshot.electorate == {1: 1, 2: 1})


def test_outcomes_are_remembered_for_a_day_and_then_forgotten_as_the_machine_does(scribe: Scribe) -> None:
    for hours in (0, 1, 5, 25, 26, 23, 49, 1000, 3):
        time_ms = hours * 3600 * 1000
        command = Command(f"at hour {hours}", 1, time_ms, "bob@pve", "cli", (Write("motd", b"%d" % hours),))
        scribe.append(body=encode_body(command))
    scribe.append(Write("no/such", b""))
    scribe.settle()
    scribe.commit()
    expected = tuple(scribe.machine.remembered.values())
    assert len(expected) == 3 and REMEMBERED_MS == 24 * 3600 * 1000
    scribe.disk.close()
    assert read_back(scribe.path).snapshot.remembered == expected


def test_t70_a_gap_in_the_log_is_refused_and_told_as_a_failure(scribe: Scribe) -> None:
    scribe.write("motd", b"x")
    last = scribe.machine.log.last
    scribe.persist(AppendRecord((chained(Point(EPOCH, last.index + 1, b""), EPOCH, b""),)))
    scribe.ear.wait(lambda: bool(scribe.ear.failures))
    assert scribe.ear.failures == [f"Log entry {last.index + 2} cannot follow entry {last.index}."]


# --- installing -------------------------------------------------------------------------------------------------------


def test_installing_drops_what_is_not_the_clusters_and_journals_it(scribe: Scribe) -> None:
    kept = scribe.write("motd", b"kept")
    dropped = [scribe.append(Write("motd", b"%d" % number)) for number in range(2)]
    start = chained(kept.point, 2 * EPOCH, encode_body(EpochStart(2 * EPOCH)))
    scribe.persist(InstallRecord(2 * EPOCH, kept.point.index, None, (start,), tuple(dropped)))
    scribe.settle()
    durable = scribe.disk.load()
    assert durable.promised == 2 * EPOCH and durable.suffix[-1] == start
    assert [one.entry for one in scribe.disk.conflicts()] == dropped[::-1]


@pytest.mark.parametrize(("rows", "size", "left"), [(3, 1 << 20, 3), (10, 300, 2), (10, 1, 1)])
def test_the_journal_keeps_the_newest_within_its_bounds(
    scribe: Scribe, monkeypatch: pytest.MonkeyPatch, rows: int, size: int, left: int
) -> None:
    monkeypatch.setattr(conflicts, "ROWS_MAX", rows)
    monkeypatch.setattr(conflicts, "BYTES_MAX", size)
    kept = scribe.write("motd", b"kept")
    dropped = [scribe.append(Write("motd", bytes(50))) for _ in range(5)]
    start = chained(kept.point, 2 * EPOCH, encode_body(EpochStart(2 * EPOCH)))
    scribe.persist(InstallRecord(2 * EPOCH, kept.point.index, None, (start,), tuple(dropped)))
    scribe.settle()
    assert [one.entry for one in scribe.disk.conflicts()] == dropped[::-1][:left]
    assert scribe.disk.verify() == ()


def test_installing_a_snapshot_replaces_everything_at_once(scribe: Scribe, tmp_path: Path) -> None:
    source = Scribe(tmp_path / "source.db")
    for number in range(5):
        source.write(f"file-{number}", b"%d" % number * 100)
    snapshot = replace(source.machine.snapshot(), electorate={1: 1, 2: 3})
    follows = chained(snapshot.point, 2 * EPOCH, b"next")
    source.disk.close()
    scribe.write("motd", b"old")
    scribe.persist(InstallRecord(2 * EPOCH, snapshot.point.index, snapshot, (follows,), ()))
    scribe.settle()
    durable = scribe.disk.load()
    assert durable.snapshot == snapshot and durable.suffix == (follows,)
    assert scribe.disk.verify() == () and scribe.rows("content") == 5


def test_what_is_overwritten_after_a_snapshot_leaves_no_content_behind(scribe: Scribe, tmp_path: Path) -> None:
    scribe.write("motd", b"first")
    snapshot = scribe.machine.snapshot()
    scribe.persist(InstallRecord(EPOCH, snapshot.point.index, snapshot, (), ()))
    scribe.settle()
    assert scribe.rows("content") == 1
    scribe.append(Rename("motd", "news"))
    scribe.append(Touch("news", 7))
    scribe.settle()
    scribe.commit()
    again = scribe.reopen()
    assert again.rows("content") == 1 and again.machine.tree.read("news") == b"first"
    again.write("news", b"second")
    again = again.reopen()
    assert again.rows("content") == 0 and again.disk.verify() == ()
    again.disk.close()


# --- histories, changes, trimming -------------------------------------------------------------------------------------


def test_a_history_begins_at_the_greatest_point_both_have(scribe: Scribe) -> None:
    entries = [scribe.write("motd", b"%d" % number) for number in range(5)]
    points = [entry.point for entry in entries]
    strange = Point(points[2].epoch, points[2].index, b"another history")
    assert scribe.disk.history((points[0], points[1], strange), points[4]) == (points[1], tuple(entries[2:]))
    assert scribe.disk.history((first_point(LINEAGE),), points[1]) == (first_point(LINEAGE), tuple(entries[:2]))
    assert scribe.disk.history((points[4],), points[4]) == (points[4], ())
    assert scribe.disk.history((points[4],), points[2]) is None
    assert scribe.disk.history((FIRST, strange), points[4]) is None
    assert scribe.disk.history((points[0],), strange) is None
    assert scribe.disk.history((), points[4]) is None


def test_a_trimmed_log_still_has_every_content_and_knows_where_it_begins(scribe: Scribe) -> None:
    entries = [scribe.write(f"file-{number % 3}", b"%d" % number * 50) for number in range(10)]
    waiting = scribe.append(Write("file-0", b"not committed"))
    scribe.settle()
    expected = scribe.disk.load()
    scribe.disk.trim(keep_entries=2)
    scribe.await_true(lambda: scribe.rows("log") == 2)
    assert scribe.disk.history((entries[3].point,), entries[9].point) is None
    assert scribe.disk.history((entries[8].point,), entries[9].point) == (entries[8].point, (entries[9],))
    durable = scribe.disk.load()
    assert durable.suffix == (waiting,) and scribe.disk.verify() == ()
    assert durable.snapshot.entries == scribe.machine.snapshot().entries and len(expected.snapshot.entries) <= 3
    assert scribe.rows("content") == 2


def test_only_what_is_committed_and_kept_is_trimmed(scribe: Scribe) -> None:
    scribe.write("motd", b"x")
    waiting = [scribe.append(Write("motd", b"%d" % number)) for number in range(5)]
    scribe.disk.trim(keep_bytes=0, keep_entries=0)
    scribe.settle()
    scribe.await_true(lambda: scribe.rows("log") == 5)
    assert scribe.disk.load().suffix == tuple(waiting)


def test_committed_changes_are_listed_newest_first_with_who_and_where(scribe: Scribe) -> None:
    scribe.append(Mkdir("nodes"), Mkdir("nodes/alpha"), Write("nodes/alpha/config", b"1"))
    scribe.append(Write("motd", b"1"))
    scribe.append(Write("no/such", b"refused"))
    scribe.append(Rename("nodes/alpha/config", "config"))
    scribe.settle()
    committed = scribe.commit()
    scribe.disk.trim(keep_bytes=1 << 30)
    scribe.await_true(lambda: scribe.rows("history") == 3)
    changes = scribe.disk.changes()
    assert [change.point for change in changes] == [committed[3].point, committed[1].point, committed[0].point]
    assert (changes[0].user, changes[0].door, changes[0].node_id, changes[0].time_ms) == ("alice@pve", "api", 1, 4000)
    assert changes[0].paths == (("nodes/alpha/config", "removed"), ("config", "file"))
    assert [change.point.index for change in scribe.disk.changes("nodes")] == [4, 1]
    assert [change.point.index for change in scribe.disk.changes("/nodes/alpha/config", limit=1)] == [4]
    assert [change.point.index for change in scribe.disk.changes(before=4)] == [2, 1]
    assert scribe.disk.changes("node") == ()


# --- backups and other lineages ---------------------------------------------------------------------------------------


def test_a_backup_of_a_store_in_use_can_be_put_back(scribe: Scribe, tmp_path: Path) -> None:
    scribe.write("motd", b"before")
    backup = tmp_path / "backup.db"
    scribe.disk.backup_to(backup)
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    scribe.write("motd", b"after")
    scribe.disk.close()
    store.restore(scribe.path, backup)
    again = Scribe(scribe.path, make=False)
    again.commit()
    assert again.machine.tree.read("motd") == b"before" and again.disk.verify() == ()
    assert sorted(entry.name for entry in tmp_path.iterdir() if ".part" in entry.name or ".new" in entry.name) == []
    again.disk.close()


def test_a_damaged_backup_is_not_put_back(scribe: Scribe, tmp_path: Path) -> None:
    scribe.write("motd", b"precious")
    scribe.disk.close()
    (tmp_path / "backup.db").write_bytes(b"rubbish" * 1000)
    with pytest.raises(StoreDamaged):
        store.restore(scribe.path, tmp_path / "backup.db")
    again = Scribe(scribe.path, make=False)
    assert again.machine.tree.read("motd") == b"precious"
    again.disk.close()


def test_founding_keeps_the_tree_and_everything_answered_and_begins_a_new_log(scribe: Scribe) -> None:
    scribe.write("motd", b"kept")
    scribe.append(Write("news", b"answered, and not kept yet"))
    scribe.settle()
    scribe.disk.close()
    lineage.found(scribe.path, "the cluster", 3, 2)
    disk = store.open_disk(scribe.path)
    durable = disk.load()
    assert disk.identity() == ("the cluster", 3) and disk.verify() == ()
    assert (durable.promised, durable.blank, durable.suffix) == (0, False, ())
    assert durable.snapshot.point == first_point("the cluster") and durable.snapshot.electorate == {3: 2}
    assert {entry.name: entry.data for entry in durable.snapshot.entries} == {
        "motd": b"kept",
        "news": b"answered, and not kept yet",
    }
    disk.close()


def test_a_blank_store_has_nothing_but_its_name(scribe: Scribe) -> None:
    scribe.write("motd", b"secret of the old lineage")
    scribe.disk.close()
    lineage.blank(scribe.path, "the cluster", 3)
    disk = store.open_disk(scribe.path)
    durable = disk.load()
    assert durable.blank and durable.uuid == "the cluster" and durable.snapshot.entries == ()
    assert durable.snapshot.point == FIRST and durable.snapshot.electorate == {} and disk.changes() == ()
    disk.close()


def test_a_blank_store_is_blank_no_more_once_it_has_installed(scribe: Scribe) -> None:
    scribe.write("motd", b"x")
    snapshot = scribe.machine.snapshot()
    scribe.disk.close()
    lineage.blank(scribe.path, LINEAGE, 2)
    again = Scribe(scribe.path, make=False)
    again.persist(InstallRecord(EPOCH, snapshot.point.index, snapshot, (), ()))
    again.settle()
    assert not again.disk.load().blank and again.disk.load().snapshot == snapshot
    again.disk.close()


def test_the_outcome_of_a_refused_request_is_kept_with_its_reason(scribe: Scribe) -> None:
    scribe.append(Write("no/such", b""))
    scribe.settle()
    scribe.commit()
    scribe.disk.close()
    remembered = read_back(scribe.path).snapshot.remembered
    assert remembered == (Remembered("request-1", EPOCH, 1, 2, "no does not exist", 1000),)
