"""/quire/store: the configuration's files, who changed what when, what was there, and bringing it back.

Not of Proxmox VE, so below a prefix of our own. Contents are text, or base64 where they are none.
"""

from __future__ import annotations

import base64
import errno
from typing import Any, Literal

from cluster.control.requests import (
    StoreDiff,
    StoreHistory,
    StoreList,
    StoreOutcome,
    StoreRead,
    StoreRestore,
    StoreShow,
    StoreWrite,
)
from cluster.errors import Changed, InvalidInput, StoreRefusal
from datacenter import gateway
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, Parameters, Row
from datacenter.api.parameters import HEADLINE
from datacenter.api.permission import AUDIT, ROOT, SIGNED_IN
from datacenter.api.types import Content, Count, FileDigest, Flag, RequestId, Revision, StorePath


class PathParameters(Parameters, kw_only=True):
    path: StorePath = ""


class ChangesParameters(PathParameters, kw_only=True):
    limit: Count = 50
    before: Count | None = None


class FileParameters(Parameters, kw_only=True):
    path: StorePath
    revision: Revision | None = None


class DiffParameters(Parameters, kw_only=True):
    path: StorePath
    older: Revision | None = None
    newer: Revision | None = None


class WriteParameters(Parameters, kw_only=True, rename="kebab"):
    path: StorePath
    content: Content
    encoding: Literal["text", "base64"] = "text"
    digest: FileDigest | None = None
    check: bool = True
    request_id: RequestId | None = None


class RestoreParameters(Parameters, kw_only=True, rename="kebab"):
    path: StorePath = ""
    revision: Revision
    digest: FileDigest | None = None
    request_id: RequestId | None = None


class OutcomeParameters(Parameters, kw_only=True):
    request: RequestId


class EntryRow(Row):
    name: str
    type: Literal["file", "dir"]
    size: int
    mtime: int
    inode: int


class PathRow(Row):
    path: str
    kind: Literal["file", "dir", "removed"]


class ChangeRow(Row):
    revision: str
    time: float
    user: str
    door: str
    node: str
    paths: list[PathRow]
    held: Flag


class FileRow(Row):
    path: str
    kind: Literal["file", "dir", "absent"]
    revision: str
    encoding: Literal["text", "base64"] | None
    content: str | None
    digest: str


class DiffRow(Row):
    path: str
    older: str
    newer: str
    binary: Flag
    lines: list[str]


class DoneRow(Row):
    revision: str | None
    paths: list[str]


class OutcomeRow(Row, rename="kebab"):
    request_id: str
    outcome: Literal["ok", "failed", "unknown"]
    revision: str | None
    message: str


def named(revision: Any) -> str | None:
    return None if revision is None else f"{revision[0]}.{revision[1]}"


def encoded(data: bytes | None) -> dict[str, Any]:
    if data is None:
        return {"encoding": None, "content": None}
    try:
        return {"encoding": "text", "content": data.decode()}
    except UnicodeDecodeError:
        return {"encoding": "base64", "content": base64.b64encode(data).decode()}


async def listing(call: Call, asked: PathParameters) -> list[dict[str, Any]]:
    rows = await gateway.call(StoreList(asked.path, user=call.user))
    kept = ("name", "type", "size", "inode")
    return [{name: row[name] for name in kept} | {"mtime": row["mtime_s"]} for row in rows]


async def changes(call: Call, asked: ChangesParameters) -> list[dict[str, Any]]:
    told = await gateway.call(StoreHistory(asked.path, asked.limit, asked.before, call.user))
    kept = ("user", "door", "node", "paths")
    return [
        {name: one[name] for name in kept}
        | {"revision": named(one["revision"]), "time": one["time_s"], "held": int(one["held"])}
        for one in told["changes"]
    ]


async def file(call: Call, asked: FileParameters) -> dict[str, Any]:
    if asked.revision is None:
        found = {"kind": "file", **await gateway.call(StoreRead(asked.path, user=call.user))}
    else:
        found = await gateway.call(StoreShow(asked.path, asked.revision, user=call.user))
    told = {name: found[name] for name in ("path", "kind", "digest")}
    return told | {"revision": named(found["revision"])} | encoded(found["data"])


async def diff(call: Call, asked: DiffParameters) -> dict[str, Any]:
    found = await gateway.call(StoreDiff(asked.path, asked.older or "", asked.newer or "", call.user))
    return found | {"binary": int(found["binary"])}


async def write(call: Call, asked: WriteParameters) -> dict[str, Any]:
    try:
        data = base64.b64decode(asked.content, validate=True) if asked.encoding == "base64" else asked.content.encode()
    except ValueError:
        raise InvalidInput(HEADLINE, fields={"content": "must be base64, as encoding says"}) from None
    request = StoreWrite(
        asked.path, data, digest=asked.digest, request_id=asked.request_id, user=call.user, check=asked.check
    )
    done = await changed(request)
    return {"revision": named(done["revision"]), "paths": [asked.path]}


async def changed(request: StoreWrite | StoreRestore) -> Any:
    """What the daemon answers. Raises Changed when somebody else was there first, so that it is told apart."""
    try:
        return await gateway.call(request)
    except StoreRefusal as refusal:
        if refusal.errno != errno.ESTALE:
            raise
        raise Changed(refusal.message, fields={"digest": "is another by now"}) from refusal


async def restore(call: Call, asked: RestoreParameters) -> dict[str, Any]:
    request = StoreRestore(asked.path, asked.revision, digest=asked.digest, request_id=asked.request_id, user=call.user)
    done = await changed(request)
    return {"revision": named(done["revision"]), "paths": done["paths"]}


async def outcome(_call: Call, asked: OutcomeParameters) -> dict[str, Any]:
    told = await gateway.call(StoreOutcome(asked.request))
    return {"request-id": told["request_id"], "outcome": told["outcome"], "message": told["message"]} | {
        "revision": named(told["revision"])
    }


ENDPOINTS = (
    Endpoint("GET", "/quire/store/list", "What is in a folder.", listing, AUDIT, PathParameters, list[EntryRow]),
    Endpoint(
        "GET", "/quire/store/changes", "Who changed what, newest first; of a path and below.", changes, AUDIT,
        ChangesParameters, list[ChangeRow],
    ),
    Endpoint(
        "GET", "/quire/store/file", "A file as it is, or as it was at a revision.", file, AUDIT, FileParameters,
        FileRow, secret=True,
    ),
    Endpoint(
        "GET", "/quire/store/diff", "A path at two revisions, or what one change did.", diff, AUDIT, DiffParameters,
        DiffRow, secret=True,
    ),
    Endpoint(
        "PUT", "/quire/store/file", "Replace or create a file; with a digest only if it still has that one.", write,
        ROOT, WriteParameters, DoneRow,
    ),
    Endpoint(
        "POST", "/quire/store/restore", "Make a file, a folder or the whole tree what it was at a revision.", restore,
        ROOT, RestoreParameters, DoneRow,
    ),
    Endpoint(
        "GET", "/quire/store/requests/{request}", "What became of a change asked for under an id.", outcome,
        SIGNED_IN, OutcomeParameters, OutcomeRow,
    ),
)  # fmt: skip
