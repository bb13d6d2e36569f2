"""The status board: what each node says of itself in the `status` group, kept in memory and never on disk.

Announcements (name, address, certificate), samples, and who is there since when; entries of the cluster log and status
by key pass through to whoever keeps them. Replicas know nothing of it; pages are made from it. A node is online while
its daemon is a member of the group.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from cluster.alerts.conditions import Condition
from cluster.alerts.dispatch import Mark
from cluster.engine.base import Delivered, GroupChanged
from cluster.flight.recorded import Recorded
from cluster.model import LinkState, Sample, TotemState, WitnessSeen
from cluster.node.survey_messages import SurveyAsked, Surveyed

GROUP = "status"
FAILED_KEYS_MAX = 2


class Announcement(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """Who I am and how I am reached. Said whenever somebody new comes into the group."""

    name: str
    address: str
    port: int
    fingerprint: str
    version: str
    certificate_ends_s: float | None = None


class Sampled(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """One reading of my metrics."""

    time_s: float
    values: dict[str, float]


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


class Happened(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """The sender has recorded this event, its newest; whoever missed one before it asks for what it lacks."""

    event: Recorded


class AlertsSaid(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """What the sender sees wrong, None where that is not said; and what was sent of which alert."""

    conditions: tuple[Condition, ...] | None
    marks: tuple[Mark, ...]


class KeySet(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """A key of the sender's status, and its value; empty: taken back. `number` counts what the sender has set."""

    key: str
    data: bytes
    number: int


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
    | Happened
    | AlertsSaid
    | Witnessed
)

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[AnyMessage] = msgspec.msgpack.Decoder(AnyMessage)


def encode(message: AnyMessage) -> bytes:
    return _encoder.encode(message)


@dataclass(slots=True)
class Card:
    """What is known of one node. `since_s` is when `online` last changed, None before anything was heard."""

    online: bool = False
    since_s: float | None = None
    announcement: Announcement | None = None
    sample: Sample | None = None
    trouble: str = ""
    link_states: tuple[LinkState, ...] = ()
    totem: TotemState | None = None
    addresses: tuple[str, ...] = ()
    witness: WitnessSeen | None = None
    clock_apart_s: int = 0


@dataclass
class Board:
    """Cards by node id. `changed()` is called after every change that a page would show; `someone_new()` when there is
    a member that was not among `members_before`."""

    now_s: Callable[[], float]
    changed: Callable[[], None]
    someone_new: Callable[[], None]
    logged: Callable[[tuple[LogEntry, ...]], None]
    standing: Callable[[int, StandingAsked | Standing], None] = lambda node_id, message: None
    surveyed: Callable[[int, SurveyAsked | Surveyed], None] = lambda node_id, message: None
    compared: Callable[[int, Compared], None] = lambda node_id, message: None
    failed_sign_in: Callable[[int, tuple[str, ...]], None] = lambda node_id, keys: None
    working: Callable[[int, Working], None] = lambda node_id, message: None
    key_set: Callable[[int, KeySet], None] = lambda node_id, message: None
    sampled: Callable[[int, Sample], None] = lambda node_id, sample: None
    linked: Callable[[int, tuple[LinkState, ...]], None] = lambda node_id, states: None
    happened: Callable[[int, Happened], None] = lambda node_id, message: None
    alerts_said: Callable[[int, AlertsSaid], None] = lambda node_id, message: None
    greetings: list[Callable[[], None]] = field(default_factory=list)  # what else is said to somebody new
    cards: dict[int, Card] = field(default_factory=dict)
    members: frozenset[int] = frozenset()
    members_before: frozenset[int] = frozenset()

    def hear(self, event: GroupChanged | Delivered) -> None:
        if isinstance(event, GroupChanged):
            self._members_changed(frozenset(member.node_id for member in event.members))
        else:
            self._said(event)

    def lost(self) -> None:
        """The engine is gone: nobody is known to be there."""
        self._members_changed(frozenset())

    def card(self, node_id: int) -> Card:
        return self.cards.setdefault(node_id, Card())

    def forget(self, keep: frozenset[int]) -> None:
        """Drop the cards of nodes that are configured no longer."""
        for node_id in [known for known in self.cards if known not in keep]:
            del self.cards[node_id]

    def _members_changed(self, members: frozenset[int]) -> None:
        arrived = members - self.members
        for node_id in members | self.cards.keys():
            card = self.card(node_id)
            if card.online != (node_id in members) or card.since_s is None:
                card.online, card.since_s = node_id in members, self.now_s()
                card.link_states, card.totem, card.witness = (), None, None
        self.members_before, self.members = self.members, members
        if arrived:
            self.someone_new()
            for greet in self.greetings:
                greet()
        self.changed()

    def _said(self, event: Delivered) -> None:
        try:
            message = _decoder.decode(event.payload)
        except (msgspec.DecodeError, ValueError):
            return  # a newer node's message, or nonsense: a status board can do without it
        if isinstance(message, Logged):
            self.logged(message.entries)
            return
        if isinstance(message, SignInFailed):
            self.failed_sign_in(event.sender.node_id, message.keys[:FAILED_KEYS_MAX])
            return
        if isinstance(message, Compared):
            self.compared(event.sender.node_id, message)
            return
        if isinstance(message, StandingAsked | Standing):
            self.standing(event.sender.node_id, message)
            return
        if isinstance(message, SurveyAsked | Surveyed):
            self.surveyed(event.sender.node_id, message)
            return
        if isinstance(message, Working):
            self.working(event.sender.node_id, message)
            return
        if isinstance(message, AlertsSaid):
            self.alerts_said(event.sender.node_id, message)
            return
        if isinstance(message, Happened):
            self.happened(event.sender.node_id, message)
            return
        if isinstance(message, KeySet):
            self.key_set(event.sender.node_id, message)
            return
        card = self.card(event.sender.node_id)
        if isinstance(message, Announcement):
            card.announcement = message
        elif isinstance(message, Trouble):
            card.trouble = message.sentence
        elif isinstance(message, Linked):
            card.link_states, card.totem, card.addresses = message.links, message.totem, message.addresses
            self.linked(event.sender.node_id, message.links)
        elif isinstance(message, Witnessed):
            if card.witness == message.seen:
                return
            card.witness = message.seen
        else:
            card.sample = Sample(message.time_s, message.values)
            card.clock_apart_s = int(message.time_s - self.now_s())
            self.sampled(event.sender.node_id, card.sample)
        self.changed()
