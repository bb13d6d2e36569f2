"""What can be asked of the configuration tree, and the bodies a log entry can carry.

An operation names paths and says what to do; `tree.py` does it or refuses. Several operations in one `Command` are a
transaction: all or nothing. Encoding is msgpack arrays with a tag, so that a later version may add fields at the end.
This module knows nothing of order, votes or disks.
"""

from __future__ import annotations

import hashlib

import msgspec


class Operation(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """Base of all operations. Paths are relative, `/`-separated UTF-8 without a leading slash."""


class Write(Operation, frozen=True):
    """Make `path` a file with exactly this content. `create` refuses with EEXIST if something is there."""

    path: str
    data: bytes
    create: bool = False


class Mkdir(Operation, frozen=True):
    """Make a directory; its parent must exist. `parents` makes missing parents and accepts an existing directory."""

    path: str
    parents: bool = False


class Rename(Operation, frozen=True):
    """Move a file or an empty directory; an existing target file is replaced."""

    source: str
    target: str


class Remove(Operation, frozen=True):
    """Remove a file or an empty directory; `missing_ok` makes an absent path no error."""

    path: str
    missing_ok: bool = False


class Touch(Operation, frozen=True):
    """Set the modification time, in seconds since the epoch."""

    path: str
    mtime_s: int


class Expect(Operation, frozen=True):
    """Refuse the whole command with ESTALE unless `path` has this SHA-1 digest; an empty digest means: is absent."""

    path: str
    digest: str


class Expire(Operation, frozen=True):
    """Remove a lock that was too old at this `version` of its entry; refused with ESTALE if it is another by now."""

    path: str
    version: int


class Holding(Operation, frozen=True):
    """Refuse the whole command with ESTALE unless this lock is still the one whose fencing token this is."""

    lock: str
    token: int


AnyOperation = Write | Mkdir | Rename | Remove | Touch | Expect | Expire | Holding


class Body(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """Base of what a log entry carries."""


class Command(Body, frozen=True):
    """Operations one user asked for through one door (mount, api, cli, workflow, page), as one change.

    `request_id` makes a retry exactly-once for as long as outcomes are remembered. `time_ms` is the proposer's clock:
    it is data (mtime, history), and decides nothing.
    """

    request_id: str
    node_id: int
    time_ms: int
    user: str
    door: str
    operations: tuple[AnyOperation, ...]


class EpochStart(Body, frozen=True):
    """The first entry of an epoch. Committing it commits everything before it (Raft §5.4.2 has the reason)."""

    epoch: int


class ElectorateChange(Body, frozen=True):
    """From here on these votes count. Void unless `before` is the electorate in force where it stands in the log."""

    before: dict[int, int]
    after: dict[int, int]


AnyBody = Command | EpochStart | ElectorateChange

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[AnyBody] = msgspec.msgpack.Decoder(AnyBody)


def encode_body(body: AnyBody) -> bytes:
    return _encoder.encode(body)


def decode_body(data: bytes) -> AnyBody:
    """Raises `msgspec.DecodeError` (ValueError) on anything malformed."""
    return _decoder.decode(data)


def digest_of(data: bytes) -> str:
    """SHA-1 hex, the digest Proxmox VE's clients pass back for compare-and-set."""
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()
