"""A node comes back with a database it should not have: an old one, an edited one, one from before it was removed.

The cluster's content stays what it was, and the node is brought up to date or kept out.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cluster.access import sessions
from cluster.control import requests
from demo.visitor import eventually
from lab import corosync
from tests.scenarios.evidence import ask, tree_of
from tests.scenarios.healing import OURS_S, await_one_store, watch_healing
from tests.scenarios.judge import judge
from tests.scenarios.load import Load
from tests.scenarios.office import Office, office_of

SETTLED_S = 15.0
VICTIM = "gamma"
pytestmark = [pytest.mark.corosync, pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    with office_of(disk_mib=64) as here:
        yield here


def files(store: Path) -> list[Path]:
    return [path for path in (store, store.with_name(store.name + "-wal")) if path.exists()]


def set_aside(store: Path) -> None:
    """A copy of a store that no daemon has open, as a backup of the whole folder would have it."""
    aside = store.parent.parent / "aside"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    for path in files(store):
        shutil.copy2(path, aside / path.name)


def put_back(store: Path) -> None:
    for path in (*files(store), store.with_name(store.name + "-shm")):
        path.unlink(missing_ok=True)
    for path in (store.parent.parent / "aside").iterdir():
        shutil.copy2(path, store.parent / path.name)


def content_on_alpha(office: Office) -> dict[str, bytes]:
    """All but who is signed in, which changes whenever somebody signs in."""
    return {path: data for path, data in tree_of(office["alpha"]).items() if path != sessions.PATH}


def edited(*statements: str) -> Callable[[Path], None]:
    """What somebody does with sqlite3 who does not know what belongs to what."""

    def edit(store: Path) -> None:
        with closing(sqlite3.connect(store)) as connection, connection:
            for statement in statements:
                assert connection.execute(statement).rowcount > 0, statement

    return edit


def test_an_old_copy_of_the_store_takes_nothing_back(office: Office, tell: Callable[[str], None]) -> None:
    with Load(office.nodes) as before:
        time.sleep(1)
    office.stop(VICTIM)
    office.at_store(VICTIM, set_aside)
    office.start([VICTIM])
    with Load(office.nodes) as load:
        watch_healing(office.lab, load)
        time.sleep(1)
    await_one_store(office.nodes, SETTLED_S)
    office.stop(VICTIM)
    office.at_store(VICTIM, put_back)
    with Load(office.nodes) as meanwhile:
        time.sleep(1)
        office.start([VICTIM])
        healing = watch_healing(office.lab, meanwhile)
    figures = office.judged(meanwhile)
    for earlier in (before, load):
        judge(earlier, office.nodes)
    tell(f"an old copy put back on {VICTIM}: {healing}; {figures}")
    assert healing.ours_s < OURS_S, healing


def key_beside(store: Path) -> bytes:
    """The corosync key of the host whose store this is."""
    return Path("/etc/corosync/authkey").read_bytes()


@pytest.mark.parametrize(
    "edit",
    [
        edited("UPDATE log SET epoch = epoch + (1000 << 20)"),
        edited("UPDATE tree SET version = version + 1000", "UPDATE tree SET mtime_s = mtime_s + 1000000"),
        edited("UPDATE remembered SET idx = idx + 1000000"),
        edited("DELETE FROM tree WHERE name = 'corosync.conf'"),
        edited("DELETE FROM log WHERE idx = (SELECT max(idx) FROM log)"),
        edited("UPDATE header SET body = CAST(body || x'00' AS BLOB)"),
    ],
    ids=["epochs raised", "versions raised", "outcomes moved", "a row removed", "the log's end removed", "header"],
)
def test_an_edited_store_changes_nothing_elsewhere(
    office: Office, edit: Callable[[Path], None], tell: Callable[[str], None], request: pytest.FixtureRequest
) -> None:
    with Load(office.nodes) as before:
        time.sleep(0.5)
    await_one_store(office.nodes, SETTLED_S)
    content = content_on_alpha(office)
    office.stop(VICTIM)
    office.at_store(VICTIM, edit)
    office.start([VICTIM])
    with Load(office.nodes) as load:
        healing = watch_healing(office.lab, load)
    figures = office.judged(load)
    judge(before, office.nodes)
    assert content.items() <= content_on_alpha(office).items(), "the cluster's content changed"
    tell(f"{request.node.callspec.id}: {healing}; {figures}")


def test_a_backup_of_a_removed_node_is_kept_out(office: Office, tell: Callable[[str], None]) -> None:
    """It comes with everything the node had: store, configuration and key."""
    office.stop(VICTIM)
    office.at_store(VICTIM, set_aside)
    corosync.kill(office.lab, VICTIM)
    others = [office["alpha"], office["beta"]]
    removed = office["alpha"].pvecm("delnode", VICTIM)
    assert removed.returncode == 0, removed.stdout + removed.stderr
    former = office.at_store(VICTIM, key_beside)
    for other in others:
        eventually("the key it knows is replaced", lambda at=other.name: office.at_store(at, key_beside) != former, 15)
    with Load(others) as load:
        time.sleep(1)
    content = content_on_alpha(office)
    office.start([VICTIM])
    eventually(
        "the machine says that it was removed",
        lambda: "was removed from the cluster" in ask(office[VICTIM], requests.Status())["cluster"]["problem"],
        20,
    )
    eventually("its engine does not run", lambda: not corosync.running(office.lab, VICTIM), 20)
    office.stop(VICTIM)
    office.at_store(VICTIM, put_back)
    office.start([VICTIM])
    with Load(others) as meanwhile:
        time.sleep(SETTLED_S / 3)
    assert not ask(office[VICTIM], requests.Status())["cluster"]["store"]["writable"]
    office["alpha"].sign_in()  # the key of tickets changed as well
    assert office["alpha"].online() == {"alpha", "beta"}, "what it says with the old key is heard by nobody"
    await_one_store(others, OURS_S)
    judge(load, others)
    judge(meanwhile, others)
    assert content.items() <= content_on_alpha(office).items(), "the cluster's content changed"
    reason = ask(office[VICTIM], requests.Status())["cluster"]["store"]["reason"]
    tell(f"a removed node with its backup: {reason}; {meanwhile}")
