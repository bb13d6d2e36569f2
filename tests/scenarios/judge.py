"""What must be true of a cluster after a fault, judged by what its clients were told and by what its disks held.

No acknowledged write is lost and no refused one is there; two checkers that do not trust each other find nothing in the
clients' history (`tests/history/`); and whatever a node had in its log and the cluster did not keep is in that node's
journal of conflicts.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from cluster.control import requests
from cluster.core.log import Entry
from cluster.core.machine import body_of
from cluster.core.messages import Point
from cluster.core.operations import Command, Write
from demo.visitor import Visited
from tests.history import check
from tests.history.replay import Log
from tests.scenarios.evidence import ask
from tests.scenarios.load import FAILED, OK, UNKNOWN, Load, content_of

LOOKED_AT = 20  # of the files made, on each node, for their content
ASKED_AGAIN = 10  # of the writes whose outcome is not known


def judge(load: Load, nodes: Sequence[Visited], logs: Sequence[Log] = ()) -> None:
    for node in nodes:
        judge_files(load, node)
    verdict = check.judge(load.calls, logs)
    assert verdict.well, str(verdict)
    ask_again(load, nodes)


def judge_files(load: Load, node: Visited) -> None:
    have = {entry["name"] for entry in ask(node, requests.StoreList(""))}
    made = [call.path for call in load.made(OK)]
    lost = sorted(set(made) - have)
    assert not lost, f"{len(lost)} acknowledged writes are not on {node.name}, {lost[:3]} among them"
    undead = sorted({call.path for call in load.made(FAILED)} & have)
    assert not undead, f"{len(undead)} refused writes are on {node.name}, {undead[:3]} among them"
    for path in made[:: max(1, len(made) // LOOKED_AT)]:
        assert ask(node, requests.StoreRead(path))["data"] == content_of(path, load.size).encode()


def ask_again(load: Load, nodes: Iterable[Visited]) -> None:
    """Who was not told what became of a write asks again with the same id, on any node, and it has happened once."""
    for call, node in zip(load.made(UNKNOWN)[:ASKED_AGAIN], itertools.cycle(nodes)):
        data = content_of(call.path, load.size).encode()
        request = requests.StoreWrite(call.path, data, digest="", request_id=call.request_id)
        revision = ask(node, request)["revision"]
        told = ask(node, requests.StoreHistory(call.path))["changes"]
        assert [one["revision"] for one in told] == [revision], f"{call} happened {len(told)} times"


# --- what disks held --------------------------------------------------------------------------------------------------


def logged(store: Path) -> dict[bytes, Entry]:
    """Every entry in a store's log, by hash; read beside the daemon, with nothing of ours between."""
    return {entry.point.hash: entry for entry in _entries(store, "SELECT epoch, idx, hash, body FROM log")}


def journal(store: Path) -> set[str | None]:
    """The ids of the requests in a store's journal of conflicts."""
    return {request_of(entry) for entry in _entries(store, "SELECT epoch, idx, hash, body FROM conflicts")}


def outcomes(store: Path) -> dict[int, str]:
    """Index → id of each request whose outcome a store knows; some of them lie in a log that is not kept any more."""
    logged_here = {entry.point.index: request_of(entry) for entry in logged(store).values()}
    remembered = dict(_rows(store, "SELECT idx, request_id FROM remembered"))
    return remembered | {index: name for index, name in logged_here.items() if name is not None}


def _entries(store: Path, query: str) -> list[Entry]:
    return [Entry(Point(epoch, index, hashed), body) for epoch, index, hashed, body in _rows(store, query)]


def _rows(store: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
        return connection.execute(query).fetchall()


def request_of(entry: Entry) -> str | None:
    body = body_of(entry)
    return body.request_id if isinstance(body, Command) else None


def written_by(entry: Entry) -> list[Write]:
    body = body_of(entry)
    return [one for one in body.operations if isinstance(one, Write)] if isinstance(body, Command) else []


def judge_journal(name: str, before: Mapping[bytes, Entry], store: Path) -> int:
    """Whatever a node had logged `before` and its log does not have now was done elsewhere, or is in its journal.

    Returns how many changes it had to drop."""
    now = logged(store)
    gone = (
        {request_of(entry) for hashed, entry in before.items() if hashed not in now}
        - {None}
        - set(outcomes(store).values())
    )
    silently = gone - journal(store)
    assert not silently, f"{name} dropped {len(silently)} changes that are in no journal"
    return len(gone)
