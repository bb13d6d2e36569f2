"""What the nodes say to each other in the `status` group, as types: every message is one of these.

Both sides decode with them, so a newer node's message that is not known here is no message at all. Who says which is
found by its name; what is kept of them is `board.py`. Questions and answers of a survey are `survey_messages.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from cluster.alerts.condition import Condition
from cluster.alerts.dispatch import Mark
from cluster.model import LinkState, TotemState, WitnessSeen
from cluster.node.survey_messages import SurveyAsked, Surveyed

GROUP = "status"


class Announcement(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """Who I am and how I am reached. Said whenever somebody new comes into the group."""

    name: str
    address: str
    port: int
    fingerprint: str
    version: str
    certificate_ends_s: float | None = None


class Sampled(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """One reading of my metrics, and the number of the newest event that I have recorded, 0 before there is one."""

    time_s: float
    values: dict[str, float]
    recorded: int = 0


class LogEntry(msgspec.Struct, array_like=True, frozen=True):
    """Something that happened on `node`. `number` counts that daemon's entries; `priority` is syslog's."""

    number: int
    time_s: int
    priority: int
    tag: str
    pid: int
    node: str
    user: str
    message: str


class Logged(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """Entries of the cluster log: one that is new, or all that the sender's side knows."""

    entries: tuple[LogEntry, ...]


class Trouble(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """What is wrong with my disk or my copy of the store, as a sentence; empty when it is over."""

    sentence: str


class Compared(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """The digest of my tree as it was when the log was committed up to `index`."""

    index: int
    digest: bytes


class StandingAsked(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """Everybody say how you stand."""


class Standing(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """How the sender stands, for comparing all nodes: its clock, what lies on its disk, its store, its versions.
    Digests are hexadecimal; that of the key says nothing about the key."""

    time_s: float
    config_version: int
    config_digest: str
    key_digest: str
    epoch: int
    index: int
    store_digest: str
    writable: bool
    version: str
    corosync: str = ""
    certificate: str = ""  # the fingerprint of the one it serves
    members: tuple[int, ...] = ()  # whom its engine sees


class SignInFailed(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """Somebody guessed wrong on the sender's node: the throttle's keys, which are digests."""

    keys: tuple[str, ...]


class WorkingTask(msgspec.Struct, array_like=True, frozen=True):
    """A task of the sender's; what else there is to know of it is in its name."""

    upid: str
    end_time_s: int | None
    status: str


class Working(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """The sender's tasks, running and lately ended."""

    tasks: tuple[WorkingTask, ...]


class Linked(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """My links towards the others as I measure them, my part in totem, and every address I have."""

    links: tuple[LinkState, ...]
    totem: TotemState | None
    addresses: tuple[str, ...] = ()


class Witnessed(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """How I stand to the cluster's witness."""

    seen: WitnessSeen


class AlertsSaid(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """What the sender sees wrong, None where that is not said; and what was sent of which alert."""

    conditions: tuple[Condition, ...] | None
    marks: tuple[Mark, ...]


class KeySet(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """A key of the sender's status, and its value; empty: taken back. `number` counts what the sender has set."""

    key: str
    data: bytes
    number: int


class Together(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """Several of the others, encoded, in the order in which they were said."""

    parts: tuple[bytes, ...]


AnyMessage = (
    SignInFailed
    | Announcement
    | Sampled
    | Logged
    | Trouble
    | Compared
    | StandingAsked
    | Standing
    | SurveyAsked
    | Surveyed
    | Working
    | KeySet
    | Linked
    | AlertsSaid
    | Witnessed
    | Together
)

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[AnyMessage] = msgspec.msgpack.Decoder(AnyMessage)


def encode(message: AnyMessage) -> bytes:
    return _encoder.encode(message)


def messages(payload: bytes) -> Iterator[AnyMessage]:
    """What was said: usually one message."""
    message = decode(payload)
    if isinstance(message, Together):
        yield from (one for one in map(decode, message.parts) if one is not None and not isinstance(one, Together))
    elif message is not None:
        yield message


def decode(payload: bytes) -> AnyMessage | None:
    """None for a newer node's message, or nonsense: a status board can do without it."""
    try:
        return _decoder.decode(payload)
    except (msgspec.DecodeError, ValueError):
        return None
