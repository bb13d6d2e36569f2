"""Requests about the configuration store: its files, its past, its exchange. The others are in `requests.py`."""

from __future__ import annotations

from cluster.control.request import Request


class StorePoint(Request, tag="store.point"):
    """How far this node's committed state reaches, once that is far enough: what is read afterwards is at least as new.

    `seen` is a point told before, by any node: waits up to a second until this node is as far. `consistent` waits until
    everything is here that was acknowledged by any node before. → {point: text for `seen`, revision: [epoch, index],
    stale: bool, reason}: stale while this node cannot know what the others write, with a sentence why.
    Raises Unavailable, NoQuorum, Busy: ask again."""

    seen: str = ""
    consistent: bool = False


class StoreRead(Request, tag="store.read"):
    """→ {path, data: bytes, revision: [epoch, index], digest (sha1 hex), mtime_s, writer}.
    Raises NotFound, Forbidden for what is for root@pam only."""

    path: str
    user: str = "root@pam"


class StoreList(Request, tag="store.list"):
    """→ [{name, type: "file"|"dir", size, mtime_s, version, inode}]: what `user` may see; a lock's
    inode is its fencing token. Raises NotFound, Forbidden."""

    path: str = ""
    user: str = "root@pam"


class StoreWrite(Request, tag="store.write"):
    """Replace (or create) a file. → {revision: [epoch, index]}.
    `digest` is the SHA-1 the file must have now (empty: must not be there); `check` refuses what StoreCheck would.
    With `lock` (a path `priv/lock/…`) and its `token` it is done only while that lock is still the same holder's.
    Raises StoreRefusal (ESTALE when the digest is another, or the lock was lost), NoQuorum, OutcomeUnknown,
    InvalidInput, Forbidden."""

    path: str
    data: bytes
    digest: str | None = None
    request_id: str | None = None
    user: str = "root@pam"
    timeout_s: float = 10.0
    door: str = "api"
    check: bool = False
    lock: str | None = None
    token: int = 0


class StoreCheck(Request, tag="store.check"):
    """Would this text do as that file? → {grammar: str, errors: [{line, sentence}], warnings: [{line, sentence}]};
    `line` is 0 for the whole file, `grammar` is empty for a file without one."""

    path: str
    data: bytes
    user: str = "root@pam"


class StoreHistory(Request, tag="store.history"):
    """Changes of `path` and below, newest first, with an index less than `before`.
    → {changes: [{revision, time_s, user, door, node, node_id, paths: [{path, kind}], held}], more: bool,
    first: [epoch, index]}: contents can be told from `first` on; `held` says whether what the change did can be."""

    path: str = ""
    limit: int = 50
    before: int | None = None
    user: str = "root@pam"


class StoreShow(Request, tag="store.show"):
    """`path` right after `revision` ("epoch.index", or the index). → {path, revision, kind: "file"|"dir"|"absent",
    data: bytes|null, digest}. Raises NotFound, NotHeld (a NotFound) for what is too old, Forbidden."""

    path: str
    revision: str
    user: str = "root@pam"


class StoreDiff(Request, tag="store.diff"):
    """`path` at two revisions. `older` empty: what the change `newer` did; `newer` empty: as it is now.
    → {path, older, newer, lines: [str] (unified), binary: bool}. Raises NotFound, NotHeld, Forbidden."""

    path: str
    older: str = ""
    newer: str = ""
    user: str = "root@pam"


class StoreRestore(Request, tag="store.restore"):
    """Make `path`, and all below it, what it was right after `revision`, in one change. The empty path is the whole
    tree but for the cluster's membership and keys. → {revision, paths: [str]}; revision is null when nothing differs,
    or with `dry_run`, which changes nothing. Raises what StoreWrite, StoreShow raise."""

    path: str
    revision: str
    digest: str | None = None
    request_id: str | None = None
    user: str = "root@pam"
    timeout_s: float = 10.0
    door: str = "api"
    dry_run: bool = False


class StoreOutcome(Request, tag="store.outcome"):
    """What became of the change that was asked for under this id, on any node, in the last 24 hours. → {request_id,
    outcome: "ok"|"failed"|"unknown", revision: [epoch, index]|null, message}.

    Failed means that it changed nothing and never will; its revision, where there is one, is where it was refused.
    Unknown: it has not happened as far as this node can tell, and may be under way still; asking for it again with the
    same id is safe and tells."""

    request_id: str


class StoreConflicts(Request, tag="store.conflicts"):
    """Changes that this node had and the cluster did not keep, newest first. → [{id, time_s, revision, user, door,
    node, node_id, made_s, operations: [{what, path, size}]}]. For root@pam."""

    limit: int = 100
    user: str = "root@pam"


class StoreConflict(Request, tag="store.conflict"):
    """One of them, with what it would have written. → as in StoreConflicts; each operation also has `data`: bytes|null.
    Raises NotFound. For root@pam."""

    id: str
    user: str = "root@pam"


class StoreConflictRestore(Request, tag="store.conflict-restore"):
    """Make such a change now, over whatever is there: as one change, by `user`. → {revision, paths: [str]}.
    Raises what StoreWrite raises, NotFound, Conflict for one that holds nothing to make again."""

    id: str
    request_id: str | None = None
    user: str = "root@pam"
    timeout_s: float = 10.0
    door: str = "api"


class StoreVerify(Request, tag="store.verify"):
    """→ {ok: bool, revision: [epoch, index], digest: str, entries: int, findings: [str]}"""


class StoreHealth(Request, tag="store.health"):
    """This node's copy: what is wrong with it now, the last time all of it was read again, what was set aside.
    → {trouble: str, scrub: {time_s, took_s, rows, findings: [str]}|null, quarantine: [{name, path, time_s, reason,
    bytes}]}. With `scrub`, all of it is read again first."""

    scrub: bool = False


class StoreExchange(Request, tag="store.exchange"):
    """→ {folder}: where files pass that StoreExport makes and StoreImport takes. For root@pam."""

    user: str = "root@pam"


class StoreExport(Request, tag="store.export"):
    """The tree as a config.db of Proxmox VE. → {file: path in the folder of exchange, entries, revision}."""

    user: str = "root@pam"


class StoreImport(Request, tag="store.import"):
    """Replace a stand-alone node's store by a config.db that lies in the folder of exchange as `name`.
    → {entries, bytes, backup: path, notes: [str]}. Raises InvalidInput with what is wrong with it, Conflict in a
    cluster, or without `force` when the store is more than a new node's. With `dry_run` it is only read, and
    `backup` is empty."""

    name: str
    force: bool = False
    dry_run: bool = False
    user: str = "root@pam"
