"""What must be true of a cluster after a fault, judged by what its clients were told and by what its disks held.

No acknowledged write is lost and no refused one is there; each overwritten file holds what no later write replaced;
and whatever a node had in its log and the cluster did not keep is in that node's journal of conflicts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from cluster.control import requests
from cluster.core.log import Entry
from cluster.core.machine import body_of
from cluster.core.messages import Point
from cluster.core.operations import Command
from demo.visitor import Visited
from tests.scenarios.evidence import ask
from tests.scenarios.load import FAILED, OK, Load, Operation, content_of

LOOKED_AT = 20  # of the files made, on each node, for their content


def judge(load: Load, nodes: Iterable[Visited]) -> None:
    for node in nodes:
        judge_files(load, node)
        for path in load.registers:
            judge_register([one for one in load.history if one.path == path], path, node)
    judge_order(load)
    judge_reads(load)


def judge_files(load: Load, node: Visited) -> None:
    have = {entry["name"] for entry in ask(node, requests.StoreList(""))}
    made = [one.path for one in load.of("create", OK)]
    lost = sorted(set(made) - have)
    assert not lost, f"{len(lost)} acknowledged writes are not on {node.name}, {lost[:3]} among them"
    undead = sorted({one.path for one in load.of("create", FAILED)} & have)
    assert not undead, f"{len(undead)} refused writes are on {node.name}, {undead[:3]} among them"
    for path in made[:: max(1, len(made) // LOOKED_AT)]:
        assert ask(node, requests.StoreRead(path))["data"] == content_of(path, load.size)


def judge_register(history: list[Operation], path: str, node: Visited) -> None:
    """What is there now was written by somebody who was not refused, and no acknowledged write came after it."""
    writes = [one for one in history if one.kind in ("write", "swap")]
    acknowledged = [one for one in writes if one.outcome == OK]
    if not acknowledged:
        return
    value = bytes(ask(node, requests.StoreRead(path))["data"])
    last = next((one for one in writes if one.value == value), None)
    assert last is not None and last.outcome != FAILED, f"{path} on {node.name} holds what nobody wrote: {value!r}"
    later = [one for one in acknowledged if one.begun_s > last.ended_s]
    assert not later, f"{path} on {node.name} holds {value!r}, written before {later[0].value!r} was acknowledged"


def judge_order(load: Load) -> None:
    """Revisions are one order: no two writes have the same, and one that began after another was answered is later."""
    done = sorted(load.writes(OK), key=lambda one: one.ended_s)
    revisions = [one.revision for one in done]
    assert None not in revisions and len(set(revisions)) == len(revisions), "two writes have the same revision"
    highest, waiting = (0, 0), list(done)
    for one in sorted(done, key=lambda one: one.begun_s):
        while waiting and waiting[0].ended_s < one.begun_s:
            highest = max(highest, waiting.pop(0).revision or highest)
        assert one.revision is not None and one.revision > highest, f"{one.path} was written into the past"


def judge_reads(load: Load) -> None:
    """A read has what was written last up to the revision it names; and no client reads backwards in time, unless its
    node did not answer in between and knows less after its start than it did before."""
    seen: dict[str, tuple[int, int]] = {}
    by_path: dict[str, list[Operation]] = {}
    for one in load.writes(OK):
        by_path.setdefault(one.path, []).append(one)
    values = {one.value for one in load.writes(FAILED)}
    for one in sorted((one for one in load.history if one.kind == "read"), key=lambda one: one.begun_s):
        if one.outcome != OK:
            seen.pop(one.process, None)
            continue
        assert one.value not in values, f"{one.node} read {one.value!r}, whose write was refused"
        if one.revision is None:
            continue
        assert one.revision >= seen.get(one.process, (0, 0)), f"{one.process} read backwards on {one.node}"
        seen[one.process] = one.revision
        before = [write for write in by_path.get(one.path, ()) if write.revision and write.revision <= one.revision]
        last = max(before, key=lambda write: write.revision or (0, 0), default=None)
        mine = next((write for write in before if write.value == one.value), None)
        assert mine is None or mine is last, f"{one.node} read {one.value!r} of {one.path} after it was overwritten"


# --- what disks held --------------------------------------------------------------------------------------------------


def logged(store: Path) -> dict[bytes, Entry]:
    """Every entry in a store's log, by hash; read beside the daemon, with nothing of ours between."""
    return {entry.point.hash: entry for entry in _entries(store, "SELECT epoch, idx, hash, body FROM log")}


def journal(store: Path) -> set[str | None]:
    """The ids of the requests in a store's journal of conflicts."""
    return {request_of(entry) for entry in _entries(store, "SELECT epoch, idx, hash, body FROM conflicts")}


def done(store: Path) -> set[str | None]:
    """The ids of the requests whose outcome a store knows, in this place of the log or another."""
    return {name for (name,) in _rows(store, "SELECT request_id FROM remembered")} | {
        request_of(entry) for entry in logged(store).values()
    }


def _entries(store: Path, query: str) -> list[Entry]:
    return [Entry(Point(epoch, index, hashed), body) for epoch, index, hashed, body in _rows(store, query)]


def _rows(store: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
        return connection.execute(query).fetchall()


def request_of(entry: Entry) -> str | None:
    body = body_of(entry)
    return body.request_id if isinstance(body, Command) else None


def judge_journal(name: str, before: Mapping[bytes, Entry], store: Path) -> int:
    """Whatever a node had logged `before` and its log does not have now was done elsewhere, or is in its journal.

    Returns how many changes it had to drop."""
    now = logged(store)
    gone = {request_of(entry) for hashed, entry in before.items() if hashed not in now} - {None} - done(store)
    silently = gone - journal(store)
    assert not silently, f"{name} dropped {len(silently)} changes that are in no journal"
    return len(gone)
