"""Requests about what the store was: list changes, show, compare, restore; and what the cluster did not keep.

Reads the file on disk in a thread (`cluster/store/history.py`), once it has caught up with what is committed.
"""

from __future__ import annotations

import asyncio
import difflib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from cluster.control.conversation import Handler
from cluster.control.requests import (
    Request,
    StoreDiff,
    StoreHistory,
    StoreRestore,
    StoreShow,
)
from cluster.core.machine import CONFIGURATION
from cluster.core.operations import Expect, Mkdir, Remove, Write, digest_of
from cluster.core.tree import AnyOperation
from cluster.corosync import conf
from cluster.errors import Conflict, NotFound
from cluster.node import first_start
from cluster.node.store_doors import checked, clean, may_change, may_see, propose, sees
from cluster.store.base import Change
from cluster.store.history import History, State, reading
from cluster.store.restore import plan

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

CATCH_UP_S = 3.0
LIMIT_MAX = 500
DIFF_BYTES_MAX = 256 << 10
DIFF_LINES_MAX = 4000

T = TypeVar("T")


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    async def listing(request: StoreHistory) -> Any:
        path, limit = clean(request.path), min(max(request.limit, 1), LIMIT_MAX)
        may_see(request.user, path)

        def work(history: History) -> Any:
            found = history.changes(path, limit + 1, request.before)
            told = [_told(node, change, request.user, history.first.index) for change in found[:limit]]
            first = [history.first.epoch, history.first.index]
            return {"changes": [one for one in told if one["paths"]], "more": len(found) > limit, "first": first}

        return await _read(node, work)

    async def show(request: StoreShow) -> Any:
        path = clean(request.path)
        may_see(request.user, path)

        def work(history: History) -> Any:
            point = history.point(request.revision)
            state = history.at(path, point.index)
            digest = digest_of(state.data) if state.data is not None else ""
            revision = [point.epoch, point.index]
            return {"path": path, "revision": revision, "kind": state.kind, "data": state.data, "digest": digest}

        return await _read(node, work)

    async def compare(request: StoreDiff) -> Any:
        path = clean(request.path)
        may_see(request.user, path)
        return await _read(node, lambda history: _compared(history, path, request.older, request.newer))

    async def restore(request: StoreRestore) -> Any:
        may_change(request.user)
        path = clean(request.path)

        def work(history: History) -> list[AnyOperation]:
            index = history.point(request.revision).index
            if path and history.at(path, index).kind == history.now(path).kind == "absent":
                raise NotFound(f"There was no {path} at revision {request.revision}.")
            return plan(history, index, path, _left_alone if not path else lambda one: False)

        operations = await _read(node, work)
        if path == CONFIGURATION:
            operations = await _raised(node, operations)
        if not operations:
            return {"revision": None, "paths": []}
        changed = {one.path for one in operations if isinstance(one, Write | Remove | Mkdir)}
        if request.dry_run:
            return {"revision": None, "paths": sorted(changed)}
        if request.digest is not None:
            operations.insert(0, Expect(path, request.digest))
        revision = await propose(node, operations, request)
        return {"revision": revision, "paths": sorted(changed)}

    return {
        StoreHistory: listing,
        StoreShow: show,
        StoreDiff: compare,
        StoreRestore: restore,
    }


async def _read(node: Daemon, work: Callable[[History], T]) -> T:
    """What `work` finds in the history, with all in it that was committed when this began. Raises QuireError."""
    wanted, deadline = node.life.replica.machine.log.commit.index, time.monotonic() + CATCH_UP_S

    def once() -> tuple[bool, T | None]:
        with reading(node.life.path) as history:
            if history.last.index < wanted and time.monotonic() < deadline:
                return False, None
            return True, work(history)

    done, result = await asyncio.to_thread(once)
    if not done:
        node.life.disk.trim()  # writes what committed changes did, which otherwise waits for company
    while not done:
        await asyncio.sleep(0.01)
        done, result = await asyncio.to_thread(once)
    return result  # type: ignore[return-value]


def _left_alone(path: str) -> bool:
    """Bringing back an earlier tree takes back neither a node's membership nor anybody's keys."""
    name = path.split("/")[1] if path.startswith("nodes/") else ""
    return path == CONFIGURATION or first_start.is_pristine([path], name)


async def _raised(node: Daemon, operations: list[AnyOperation]) -> list[AnyOperation]:
    """The configuration of then, with a version that every node takes: it only ever rises."""
    active = node.document()
    raised: list[AnyOperation] = []
    for one in operations:
        if isinstance(one, Write) and active is not None:
            text = conf.render(conf.raise_version(conf.parse(one.data), active.config_version)).encode()
            errors = (await checked(node, one.path, text))["errors"]
            if errors:
                raise Conflict(f"That configuration would not do any more: {errors[0]['sentence']}")
            one = Write(one.path, text)
        elif isinstance(one, Remove):
            raise Conflict("This node would be without its cluster's configuration.")
        raised.append(one)
    return raised


# --- telling ----------------------------------------------------------------------------------------------------------


def _told(node: Daemon, change: Change, user: str, first: int) -> dict[str, Any]:
    return {
        "revision": [change.point.epoch, change.point.index],
        "time_s": change.time_ms / 1000,
        "user": change.user,
        "door": change.door,
        "node": node_name(node, change.node_id),
        "node_id": change.node_id,
        "paths": [{"path": path, "kind": kind} for path, kind in change.paths if sees(user, path)],
        "held": change.point.index > first,
    }


def node_name(node: Daemon, node_id: int) -> str:
    document = node.document()
    named = {one.node_id: one.name for one in document.nodes()} if document is not None else {}
    own = node.options.name if node_id in (0, node.life.replica.node_id) else ""
    return named.get(node_id) or own or f"node {node_id}"


def _compared(history: History, path: str, older: str, newer: str) -> dict[str, Any]:
    new = history.point(newer) if newer else history.last
    if older:
        old = history.point(older)
        before, name = history.at(path, old.index), f"{old.epoch}.{old.index}"
    elif new.index <= history.first.index:
        before, name = history.at(path, -1), ""  # raises: too old
    else:
        before, name = history.at(path, new.index - 1), f"before {new.epoch}.{new.index}"
    after, after_name = history.at(path, new.index), f"{new.epoch}.{new.index}"
    lines = _lines(before, after, name, after_name)
    return {"path": path, "older": name, "newer": after_name, "lines": lines or [], "binary": lines is None}


def _lines(before: State, after: State, name: str, after_name: str) -> list[str] | None:
    """A unified diff; None when one side is no text, or too long to be read."""
    texts = []
    for state in (before, after):
        data = state.data or b""
        if len(data) > DIFF_BYTES_MAX or b"\0" in data:
            return None
        try:
            texts.append(data.decode().splitlines())
        except UnicodeDecodeError:
            return None
    found = difflib.unified_diff(texts[0], texts[1], name, after_name, lineterm="")
    return [line for line, _ in zip(found, range(DIFF_LINES_MAX), strict=False)]
