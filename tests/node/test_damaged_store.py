"""A store that is not what its node left on disk is set aside, told of, and filled again by the others.

Real daemons on the loopback engine; about a minute and a half on two cores.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.control.requests import CheckNode, StoreConflicts, StoreHealth
from cluster.store import quarantine, schema
from cluster.store.load import load
from tests.node.trio import SOON_S, await_read, make_trio, one_store, read, store, trio, write
from tests.workflow.test_killed_daemon import Node, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_trio(tmp_path_factory.mktemp("made"))


@pytest.fixture
def nodes(made: Path, tmp_path: Path) -> Iterator[list[Node]]:
    with trio(made, tmp_path) as three:
        yield three
        assert [node.client.call(StoreConflicts()) for node in three] == [[], [], []], "something was dropped"


def path_of(node: Node) -> Path:
    return node.state / "store.db"


def shorten(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def write_over(path: Path) -> None:
    path.write_bytes(b"This is a letter to Bob. " * 2000)


def spoil_a_page(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)


def edit_a_row(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE tree SET mtime_s = mtime_s + 1 WHERE name = 'datacenter.cfg'")
        connection.commit()


def delete_a_row(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM tree WHERE name = 'datacenter.cfg'")
        connection.commit()


def remove(path: Path) -> None:
    path.unlink()


HARMS = (shorten, empty, write_over, spoil_a_page, edit_a_row, delete_a_row, remove)


def test_a_store_harmed_while_its_node_was_down_is_set_aside_and_filled_by_the_others(nodes: list[Node]) -> None:
    alpha, _, gamma = nodes
    for number, harm in enumerate(HARMS, 1):
        write(alpha, "datacenter.cfg", f"keyboard: before {harm.__name__}\n")
        wait_until(lambda: one_store(nodes), SOON_S, "all have it")
        gamma.stop()
        harm(path_of(gamma))
        write(alpha, "datacenter.cfg", f"keyboard: after {harm.__name__}\n")
        gamma.start()
        wait_until(lambda: one_store(nodes), SOON_S, f"one store again after {harm.__name__}")
        assert read(gamma, "datacenter.cfg") == f"keyboard: after {harm.__name__}\n"
        aside = quarantine.listed(path_of(gamma))
        assert len(aside) == min(number, quarantine.KEPT_MAX) and aside[0].reason, harm.__name__
        found = {one["code"]: one for one in gamma.client.call(CheckNode())}
        assert found["quarantine"]["severity"] == "warning" and aside[0].reason in found["quarantine"]["sentence"]


def test_an_older_copy_of_its_own_store_changes_nothing_in_the_cluster(nodes: list[Node], tmp_path: Path) -> None:
    alpha, _, gamma = nodes
    gamma.stop()
    shutil.copy(path_of(gamma), tmp_path / "old.db")
    gamma.start()
    write(alpha, "datacenter.cfg", "keyboard: newer\n")
    wait_until(lambda: one_store(nodes), SOON_S, "all have it")
    gamma.stop()
    shutil.copy(tmp_path / "old.db", path_of(gamma))
    gamma.start()
    wait_until(lambda: one_store(nodes), SOON_S, "one store again")
    assert {read(node, "datacenter.cfg") for node in nodes} == {"keyboard: newer\n"}
    assert "older copy" in quarantine.listed(path_of(gamma))[0].reason


def test_a_node_killed_and_robbed_of_its_write_ahead_log_does_not_vouch_for_what_it_lost(nodes: list[Node]) -> None:
    alpha, _, gamma = nodes
    write(alpha, "datacenter.cfg", "keyboard: in the log\n")
    wait_until(lambda: one_store(nodes), SOON_S, "all have it")
    assert gamma.process is not None
    gamma.process.kill()
    gamma.process.wait(20)
    (gamma.state / "store.db-wal").unlink()
    gamma.start()
    wait_until(lambda: one_store(nodes), SOON_S, "one store again")
    assert "lost its newest part" in quarantine.listed(path_of(gamma))[0].reason


def test_another_nodes_store_is_not_taken_for_its_own(nodes: list[Node]) -> None:
    _, beta, gamma = nodes
    for node in (beta, gamma):
        node.stop()
    shutil.copy(path_of(beta), path_of(gamma))
    beta.start_without_waiting()
    gamma.start()
    wait_until(lambda: one_store(nodes), SOON_S, "one store again")
    assert "another node or cluster" in quarantine.listed(path_of(gamma))[0].reason


def test_a_store_removed_while_it_is_open_is_noticed_and_filled_again(nodes: list[Node]) -> None:
    alpha, _, gamma = nodes
    write(alpha, "datacenter.cfg", "keyboard: before\n")
    wait_until(lambda: one_store(nodes), SOON_S, "all have it")
    path_of(gamma).unlink()
    wait_until(lambda: not store(gamma)["writable"], SOON_S, "it is noticed")
    assert read(gamma, "datacenter.cfg") == "keyboard: before\n"
    wait_until(lambda: path_of(gamma).exists() and one_store(nodes), SOON_S, "one store again")
    write(gamma, "datacenter.cfg", "keyboard: written by gamma again\n")
    await_read(alpha, "datacenter.cfg", "keyboard: written by gamma again\n")


def forge_a_file(path: Path) -> None:
    """With every checksum as it should be."""
    with closing(schema.connect(path)) as connection:
        header = schema.read_header(connection)
        durable = load(path)[0]
        old = next(entry for entry in durable.snapshot.entries if entry.name == "datacenter.cfg")
        new = replace(old, data=b"keyboard: forged\n")
        connection.execute("BEGIN")
        connection.execute(
            "UPDATE tree SET log_idx = NULL, operation = NULL, size = ?, checksum = ? WHERE inode = ?",
            (new.size, schema.tree_checksum(new), new.inode),
        )
        connection.execute("INSERT OR REPLACE INTO content VALUES (?, ?)", (new.content_version, new.data))
        for one in (old, new):
            header.rows_sum = schema.xor(header.rows_sum, schema.tree_checksum(one))
        schema.write_header(connection, header)
        connection.execute("COMMIT")
    assert load(path)[0].snapshot.entries != durable.snapshot.entries


def raise_the_counter(path: Path) -> None:
    """What makes a node of pmxcfs the leader, and its database everybody's."""
    with closing(schema.connect(path)) as connection:
        header = schema.read_header(connection)
        header.version += 1000
        schema.write_header(connection, header)


def test_a_store_tampered_with_by_somebody_who_knows_the_checksums_convinces_nobody(nodes: list[Node]) -> None:
    alpha, _, gamma = nodes
    for number, harm in enumerate((forge_a_file, raise_the_counter), 1):
        write(alpha, "datacenter.cfg", f"keyboard: true {number}\n")
        wait_until(lambda: one_store(nodes), SOON_S, "all have it")
        gamma.stop()
        harm(path_of(gamma))
        gamma.start()
        wait_until(lambda: bool(quarantine.listed(path_of(gamma))), SOON_S, f"{harm.__name__} is noticed")
        wait_until(lambda: one_store(nodes), SOON_S, "one store again")
        assert {read(node, "datacenter.cfg") for node in nodes} == {f"keyboard: true {number}\n"}
        assert "not what a majority has" in quarantine.listed(path_of(gamma))[0].reason
        shutil.rmtree(quarantine.folder_of(path_of(gamma)))


def test_a_scrub_finds_what_the_disk_changed_under_a_running_node_which_is_filled_again(nodes: list[Node]) -> None:
    alpha, _, gamma = nodes
    write(alpha, "datacenter.cfg", "keyboard: unmistakable\n")
    wait_until(lambda: one_store(nodes), SOON_S, "all have it")
    assert gamma.client.call(StoreHealth(scrub=True))["scrub"]["findings"] == []
    spoil_a_word(gamma, b"unmistakable")
    found = gamma.client.call(StoreHealth(scrub=True))["scrub"]["findings"]
    assert len(found) == 1
    wait_until(lambda: bool(quarantine.listed(path_of(gamma))) and one_store(nodes), SOON_S, "one store again")
    assert quarantine.listed(path_of(gamma))[0].reason == found[0]
    assert {read(node, "datacenter.cfg") for node in nodes} == {"keyboard: unmistakable\n"}
    assert gamma.client.call(StoreHealth(scrub=True))["scrub"]["findings"] == []


def spoil_a_word(node: Node, word: bytes) -> None:
    """In the store's file or in its write-ahead log, wherever it is."""
    for name in ("store.db", "store.db-wal"):
        path = node.state / name
        content = path.read_bytes()
        for place in (found.start() for found in re.finditer(re.escape(word), content)):
            with path.open("r+b") as file:
                file.seek(place)
                file.write(bytes(len(word)))
