"""config.db in and out, asked of a real daemon through the real command line."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cluster.core.operations import Mkdir, Remove, Rename, Touch, Write
from tests.cli.node import Ran, pvecm
from tests.node.alone import Alone, alone

# The table as Proxmox VE's own daemon makes it, written from its description.
TABLE = """CREATE TABLE tree (
  inode INTEGER PRIMARY KEY NOT NULL,
  parent INTEGER NOT NULL CHECK(typeof(parent)=='integer'),
  version INTEGER NOT NULL CHECK(typeof(version)=='integer'),
  writer INTEGER NOT NULL CHECK(typeof(writer)=='integer'),
  mtime INTEGER NOT NULL CHECK(typeof(mtime)=='integer'),
  type INTEGER NOT NULL CHECK(typeof(type)=='integer'),
  name TEXT NOT NULL, data BLOB)"""
ROOT = (0, 0, 12, 1, 1700000000, 8, "__version__", None)
# Rows in no order of parents: a child may come before its directory.
GOOD: list[tuple[Any, ...]] = [
    ROOT,
    (2, 9, 3, 1, 1699999999, 8, "100.conf", b"memory: 512\n"),
    (4, 0, 5, 2, 1700000000, 8, "binär \u2713", bytes(range(256))),
    (6, 0, 6, 1, 4294967295, 4, "nodes", None),
    (7, 0, 12, 3, 0, 8, "empty", None),
    (8, 6, 8, 1, 5, 4, "alpha", b""),
    (9, 8, 9, 1, 5, 4, "qemu-server", None),
]


def make(path: Path, rows: Iterable[tuple[Any, ...]], table: str = TABLE) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(table)
        connection.executemany("INSERT INTO tree VALUES (?, ?, ?, ?, ?, ?, CAST(? AS TEXT), ?)", rows)
        connection.commit()
    return path


def dump(path: Path) -> list[tuple[Any, ...]]:
    """Every row, with what may be written in two ways written in one."""
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = bytes
        rows = connection.execute("SELECT inode, parent, version, writer, mtime, type, name, data FROM tree")
        return sorted((*row[:7], row[7] or None) for row in rows)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Alone]:
    async with alone(tmp_path / "alpha") as started:
        yield started


async def store(node: Alone, *words: str | Path) -> Ran:
    return await pvecm("store", *map(str, words), socket=node.daemon.options.socket)


async def test_what_comes_in_goes_out_row_for_row(node: Alone, tmp_path: Path) -> None:
    source, target = make(tmp_path / "config.db", GOOD), tmp_path / "out.db"
    assert (await store(node, "import", source)).code == 0
    # The node adds its own keys at once; without them the tables are equal.
    assert (await store(node, "export", target)).code == 0
    imported = {row[0]: row for row in dump(source)[1:]}
    exported = {row[0]: row for row in dump(target)[1:]}
    assert {inode: exported[inode] for inode in imported} == imported
    assert all(inode > 12 for inode in exported.keys() - imported.keys())


async def test_a_tree_with_a_past_goes_out_and_comes_into_another_node_unchanged(node: Alone, tmp_path: Path) -> None:
    await node.change(Mkdir("a"), Write("a/b", b"1"), Write("c", b"\0\xff"), Touch("c", 7))
    await node.change(Rename("c", "a/d"), Write("e", b""), Remove("a/b"))
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    assert (await store(node, "export", first)).code == 0
    async with alone(tmp_path / "beta") as other:
        assert (await store(other, "import", first)).code == 0
        assert (await store(other, "export", second)).code == 0
        assert (await store(other, "verify")).code == 0
    assert dump(first) == dump(second)


async def test_the_file_is_as_its_own_daemon_makes_it(node: Alone, tmp_path: Path) -> None:
    await store(node, "export", tmp_path / "out.db")
    assert (tmp_path / "out.db").stat().st_mode & 0o777 == 0o600
    make(tmp_path / "model.db", GOOD)
    connections = (sqlite3.connect(tmp_path / name) for name in ("out.db", "model.db"))
    with closing(next(connections)) as ours, closing(next(connections)) as model:
        for pragma in ("table_info(tree)", "journal_mode", "page_size", "user_version", "application_id", "encoding"):
            wanted = model.execute(f"PRAGMA {pragma}").fetchall()
            assert ours.execute(f"PRAGMA {pragma}").fetchall() == wanted, pragma
        assert ours.execute("SELECT name, type FROM tree WHERE inode = 0").fetchone() == ("__version__", 8)
        assert ours.execute("SELECT count(*) FROM sqlite_master").fetchone() == (1,)
        with pytest.raises(sqlite3.IntegrityError):
            ours.execute("INSERT INTO tree VALUES (1, 'x', 1, 1, 1, 4, 'n', NULL)")


def without(name: str) -> list[tuple[Any, ...]]:
    return [row for row in GOOD if row[6] != name]


WRONG = {
    "no name": ([*GOOD, (10, 0, 10, 1, 1, 8, "", b"x")], "has no name"),
    "a third type": ([*GOOD, (10, 0, 10, 1, 1, 10, "link", b"x")], "neither a file nor a directory"),
    "a directory with content": ([*GOOD, (10, 0, 10, 1, 1, 4, "d", b"x")], "a directory with content"),
    "a root of another name": ([(*ROOT[:6], "root", None), *GOOD[1:]], "not named __version__"),
    "a file as a parent": ([*GOOD, (10, 7, 10, 1, 1, 8, "x", b"x")], "not a directory"),
    "a parent that is missing": ([*GOOD, (10, 99, 10, 1, 1, 8, "x", b"x")], "not a directory"),
    "two of one name": ([*GOOD, (10, 0, 10, 1, 1, 8, "empty", b"x")], "two entries named empty"),
    "a guest twice": (
        [*GOOD, (10, 8, 10, 1, 1, 4, "lxc", None), (11, 10, 11, 1, 1, 8, "100.conf", b"")],
        "uest 100 is",
    ),
    "a file in place of guests": ([*without("100.conf")[:-1], (9, 8, 9, 1, 5, 8, "qemu-server", b"")], "must be a dir"),
    "a file in place of containers": ([*GOOD, (10, 8, 10, 1, 1, 8, "lxc", b"")], "nodes/alpha/lxc is a file"),
    "a file in place of old containers": ([*GOOD, (10, 8, 10, 1, 1, 8, "openvz", b"")], "nodes/alpha/openvz is a file"),
    "a negative version": ([*GOOD, (10, 0, -1, 1, 1, 8, "x", b"x")], "negative number"),
    "a slash in a name": ([*GOOD, (10, 0, 10, 1, 1, 8, "a/b", b"x")], "no file can have"),
    "a name of 256 bytes": ([*GOOD, (10, 0, 10, 1, 1, 8, "n" * 256, b"x")], "no file can have"),
    "a name that is not UTF-8": ([*GOOD, (10, 0, 10, 1, 1, 8, b"\xff\xfe", b"x")], "not UTF-8"),
    "a file beyond 1 MiB": ([*GOOD, (10, 0, 10, 1, 1, 8, "big", bytes((1 << 20) + 1))], "larger than 1048576"),
    "a circle": ([*GOOD, (10, 11, 10, 1, 1, 4, "x", None), (11, 10, 11, 1, 1, 4, "y", None)], "contain each other"),
}


@pytest.mark.parametrize("what", WRONG)
async def test_a_wrong_one_is_refused_with_the_reason(what: str, tmp_path: Path, node: Alone) -> None:
    rows, reason = WRONG[what]
    before = (await store(node, "verify")).out
    ran = await store(node, "import", make(tmp_path / "config.db", rows))
    assert ran.code != 0 and reason in ran.err
    assert (await store(node, "verify")).out == before
    assert list((tmp_path / "alpha/exchange").iterdir()) == []


@pytest.mark.parametrize("column", range(1, 6))
async def test_a_text_where_a_number_should_be_is_refused(column: int, tmp_path: Path, node: Alone) -> None:
    row = (10, 0, 10, 1, 1, 8, "x", b"x")
    lax = TABLE.replace("CHECK(typeof", "CHECK(1 OR typeof")
    source = make(tmp_path / "config.db", [*GOOD, (*row[:column], "ten", *row[column + 1 :])], lax)
    ran = await store(node, "import", source)
    assert ran.code != 0 and "inode 10 has something other than a number" in ran.err


@pytest.mark.parametrize("root", [(), ((0, 0, 0, 0, 0, 8, "__version__", None),)])
async def test_without_a_version_the_counter_begins_where_the_entries_are(
    root: tuple[tuple[Any, ...], ...], tmp_path: Path, node: Alone
) -> None:
    """Its own daemon begins at 1; here, new inodes follow the version, so it is not behind those that are there."""
    source = make(tmp_path / "config.db", [*root, *GOOD[1:]])
    assert (await store(node, "import", source)).code == 0
    assert (await store(node, "export", tmp_path / "out.db")).code == 0
    exported = {row[0]: row for row in dump(tmp_path / "out.db")}
    assert exported[0][2] >= 9 and exported[2][7] == b"memory: 512\n"


async def test_a_root_as_a_cluster_sync_leaves_it_is_a_root(tmp_path: Path, node: Alone) -> None:
    source = make(tmp_path / "config.db", [(*ROOT[:5], 4, *ROOT[6:]), *GOOD[1:]])
    assert (await store(node, "import", source)).code == 0


async def test_a_damaged_one_is_refused(tmp_path: Path, node: Alone) -> None:
    source = make(tmp_path / "config.db", [*GOOD, (20, 0, 20, 1, 1, 8, "big", bytes(100_000))])
    with source.open("r+b") as file:
        file.truncate(source.stat().st_size // 2)
    ran = await store(node, "import", source)
    assert ran.code != 0 and "config.db" in ran.err
    assert (await store(node, "verify")).code == 0


async def test_what_is_no_config_db_is_refused(node: Alone, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database at all, but long enough to be looked at" * 40)
    assert "not a database" in (await store(node, "import", tmp_path / "text")).err
    make(tmp_path / "other.db", [], "CREATE TABLE tree (a, b, c, d, e, f, g, h)")
    assert "no config.db" in (await store(node, "import", tmp_path / "other.db")).err
    assert "There is no file" in (await store(node, "import", tmp_path / "none")).err


async def test_a_store_with_more_than_a_new_nodes_is_replaced_only_by_force_and_kept(
    node: Alone, tmp_path: Path
) -> None:
    await node.write("mine.cfg", "mine\n")
    source = make(tmp_path / "config.db", GOOD)
    refused = await store(node, "import", source)
    assert refused.code != 0 and "--force" in refused.err
    assert (await store(node, "read", "mine.cfg")).out == "mine\n"
    done = await store(node, "import", source, "--force")
    assert done.code == 0 and (await store(node, "read", "mine.cfg")).code != 0
    kept = Path(done.out.splitlines()[1].partition(": ")[2])
    assert kept.is_file() and kept.parent == tmp_path / "alpha/backup"


async def test_a_clusters_configuration_is_set_aside(node: Alone, tmp_path: Path) -> None:
    source = make(tmp_path / "config.db", [*GOOD, (10, 0, 10, 1, 1, 8, "corosync.conf", b"totem {\n}\n")])
    done = await store(node, "import", source)
    assert "corosync.conf.imported" in done.out
    assert (await store(node, "read", "corosync.conf.imported")).out == "totem {\n}\n"
    assert not node.daemon.life.clustered and node.daemon.life.replica.writable


async def test_one_in_use_is_copied_with_what_its_log_holds(node: Alone, tmp_path: Path) -> None:
    source = make(tmp_path / "config.db", [ROOT])
    with closing(sqlite3.connect(source)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.executemany("INSERT INTO tree VALUES (?, ?, ?, ?, ?, ?, ?, ?)", GOOD[1:])
        other.commit()
        assert (await store(node, "import", source)).code == 0
    assert "512" in (await store(node, "read", "nodes/alpha/qemu-server/100.conf")).out


async def test_nothing_that_is_there_is_overwritten(node: Alone, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("precious")
    assert (await store(node, "export", tmp_path / "there")).code != 0
    assert (tmp_path / "there").read_text() == "precious"
