"""What can be asked of the configuration tree, and the bodies a log entry can carry.

An operation names paths and says what to do; `tree.py` does it or refuses. Several operations in one `Command` are a
transaction: all or nothing. Encoding is msgpack arrays with a tag, so that a later version may add fields at the end.
This module knows nothing of order, votes or disks.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgspec

# Numbers that any clock, file system and database can hold; a body with others is malformed.
Natural = Annotated[int, msgspec.Meta(ge=0, le=(1 << 62))]
Time = Annotated[int, msgspec.Meta(ge=-(1 << 52), le=(1 << 52))]


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
    mtime_s: Time


class Expect(Operation, frozen=True):
    """Refuse the whole command with ESTALE unless `path` has this SHA-1 digest; an empty digest means: is absent."""

    path: str
    digest: str


class Expire(Operation, frozen=True):
    """Remove a lock that was too old at this `version` of its entry; refused with ESTALE if it is another by now."""

    path: str
    version: Natural


class Holding(Operation, frozen=True):
    """Refuse the whole command with ESTALE unless this lock is still the one whose fencing token this is."""

    lock: str
    token: Natural


AnyOperation = Write | Mkdir | Rename | Remove | Touch | Expect | Expire | Holding


class Body(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """Base of what a log entry carries."""


class Command(Body, frozen=True):
    """Operations one user asked for through one door (mount, api, cli, workflow, page), as one change.

    `request_id` makes a retry exactly-once for as long as outcomes are remembered. `time_ms` is the proposer's clock:
    it is data (mtime, history), and decides nothing.
    """

    request_id: str
    node_id: Natural
    time_ms: Time
    user: str
    door: str
    operations: tuple[AnyOperation, ...]


class EpochStart(Body, frozen=True):
    """The first entry of an epoch. Committing it commits everything before it (Raft §5.4.2 has the reason)."""

    epoch: Natural


class ElectorateChange(Body, frozen=True):
    """From here on these votes count. Void unless `before` is the electorate in force where it stands in the log."""

    before: dict[Natural, Natural]
    after: dict[Natural, Natural]


AnyBody = Command | EpochStart | ElectorateChange

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[AnyBody] = msgspec.msgpack.Decoder(AnyBody)


def encode_body(body: AnyBody) -> bytes:
    return _encoder.encode(body)


def decode_body(data: bytes) -> AnyBody:
    """Raises `ValueError` (msgspec.DecodeError is one) on anything malformed."""
    try:
        return _decoder.decode(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def may_come_from(body: bytes, node_id: int) -> bool:
    """Is this something that node may put into the log? Its own commands, and a change of the electorate."""
    try:
        decoded = decode_body(body)
    except ValueError:
        return False
    return not isinstance(decoded, EpochStart) and (not isinstance(decoded, Command) or decoded.node_id == node_id)


def digest_of(data: bytes) -> str:
    """SHA-1 hex, the digest Proxmox VE's clients pass back for compare-and-set."""
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()
