"""Requests about the configuration store: read, list, write, verify."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

from cluster.control.conversation import Handler
from cluster.control.requests import (
    Request,
    StoreCheck,
    StoreHealth,
    StoreList,
    StoreOutcome,
    StorePoint,
    StoreRead,
    StoreVerify,
    StoreWrite,
    as_plain,
)
from cluster.core.effects import Done, NotDone, Outcome, Refused, Unknown
from cluster.core.operations import Expect, Holding, digest_of
from cluster.core.tree import Tree
from cluster.errors import InvalidInput, NotFound, QuireError
from cluster.node.operations import writes
from cluster.node.store_doors import checked, may_see, propose, sees
from cluster.store import quarantine

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon


CATCH_UP_S = 1.0


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    async def point(request: StorePoint) -> Any:
        driver, replica = node.life.driver, node.life.replica
        if request.seen:
            await driver.readers.until_reached(request.seen, CATCH_UP_S)
        if request.consistent:
            await driver.barrier()
        return {
            "point": driver.readers.point(),
            "revision": _revision(node),
            "stale": not replica.writable,
            "reason": replica.reason,
        }

    async def outcome(request: StoreOutcome) -> Any:
        found = node.life.replica.outcome(request.request_id)
        reason = "This node knows of no such change."
        if found is None:
            try:
                await node.life.driver.barrier()
                found = node.life.replica.outcome(request.request_id)
            except QuireError as error:
                reason = f"{reason} It cannot ask the others: {error.message}"
        return {"request_id": request.request_id, **_told(found or Unknown(reason))}

    async def read(request: StoreRead) -> Any:
        may_see(request.user, request.path)
        entry = node.life.tree.find(request.path)
        if entry is None or entry.data is None:
            raise NotFound(f"There is no file {request.path} in the store.")
        return {
            "path": request.path,
            "data": entry.data,
            "revision": _revision(node),
            "version": entry.version,
            "digest": digest_of(entry.data),
            "mtime_s": entry.mtime_s,
            "writer": entry.writer,
        }

    async def listing(request: StoreList) -> Any:
        may_see(request.user, request.path)
        entries = node.life.tree.listing(request.path)
        if entries is None:
            raise NotFound(f"There is no directory {request.path} in the store.")
        return [
            {
                "name": entry.name,
                "type": "dir" if entry.is_dir else "file",
                "size": entry.size,
                "mtime_s": entry.mtime_s,
                "version": entry.version,
                "inode": entry.inode,
            }
            for entry in entries
            if sees(request.user, f"{request.path}/{entry.name}")
        ]

    async def write(request: StoreWrite) -> Any:
        errors = (await checked(node, request.path, request.data))["errors"] if request.check else []
        if errors:
            raise InvalidInput(errors[0]["sentence"], fields={"text": errors[0]["sentence"]})
        operations = writes({request.path: request.data})
        if request.digest is not None:
            operations.insert(0, Expect(request.path, request.digest))
        if request.lock is not None:
            operations.insert(0, Holding(request.lock, request.token))
        return {"revision": await propose(node, operations, request)}

    async def check(request: StoreCheck) -> Any:
        may_see(request.user, request.path)
        return await checked(node, request.path, request.data)

    async def verify(request: StoreVerify) -> Any:
        findings = await asyncio.to_thread(node.life.disk.verify)
        tree = node.life.tree
        return {
            "ok": not findings,
            "revision": _revision(node),
            "digest": tree_digest(tree),
            "entries": len(tree.entries) - 1,
            "findings": list(findings),
        }

    async def health(request: StoreHealth) -> Any:
        if request.scrub:
            await node.health.scrubbing.scrub()
        last = node.health.scrubbing.last
        aside = await asyncio.to_thread(quarantine.listed, node.options.store)
        return {
            "trouble": node.health.trouble,
            "scrub": as_plain(last) if last is not None else None,
            "quarantine": [as_plain(one) for one in aside],
        }

    return {
        StoreHealth: health,
        StorePoint: point,
        StoreOutcome: outcome,
        StoreRead: read,
        StoreList: listing,
        StoreWrite: write,
        StoreCheck: check,
        StoreVerify: verify,
    }


def _told(outcome: Outcome) -> dict[str, Any]:
    at = outcome.revision if isinstance(outcome, Done | Refused) else None
    revision = [at.epoch, at.index] if at is not None else None
    if isinstance(outcome, Done):
        return {"outcome": "ok", "revision": revision, "message": ""}
    word = "failed" if isinstance(outcome, Refused | NotDone) else "unknown"
    return {"outcome": word, "revision": revision, "message": outcome.message}


def tree_digest(tree: Tree) -> str:
    """SHA-256 over every entry's path, version and content, in path order: equal trees have equal digests."""
    summary = hashlib.sha256()
    for path, entry in sorted((tree.path_of(entry.inode), entry) for entry in tree.walk()):
        content = hashlib.sha256(entry.data).hexdigest() if entry.data is not None else "-"
        summary.update(f"{path}\0{entry.version}\0{entry.writer}\0{entry.mtime_s}\0{content}\n".encode())
    return summary.hexdigest()


def _revision(node: Daemon) -> list[int]:
    point = node.life.replica.machine.log.commit
    return [point.epoch, point.index]
