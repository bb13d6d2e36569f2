"""The status board: what each node says of itself in the `status` group, kept in memory and never on disk.

Announcements (name, address, certificate), samples, and who is there since when; entries of the cluster log and status
by key pass through to whoever keeps them. Replicas know nothing of it; pages are made from it. A node is online while
its daemon is a member of the group.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cluster.engine.base import Delivered, GroupChanged
from cluster.model import LinkState, Sample, TotemState, WitnessSeen
from cluster.node.board_messages import (
    AlertsSaid,
    Announcement,
    Compared,
    Happened,
    KeySet,
    Linked,
    LogEntry,
    Logged,
    SignInFailed,
    Standing,
    StandingAsked,
    Trouble,
    Witnessed,
    Working,
    decode,
)
from cluster.node.survey_messages import SurveyAsked, Surveyed

FAILED_KEYS_MAX = 2


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
    """Cards by node id. `changed()` is called after every change that a page would show, `measured()` where only
    figures are new; `someone_new()` when there is a member that was not among `members_before`."""

    now_s: Callable[[], float]
    changed: Callable[[], None]
    someone_new: Callable[[], None]
    logged: Callable[[tuple[LogEntry, ...]], None]
    measured: Callable[[], None] = lambda: None
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
        message = decode(event.payload)
        if message is None:
            return
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
            if card.announcement == message:
                return  # said again for somebody new
            card.announcement = message
        elif isinstance(message, Trouble):
            if card.trouble == message.sentence:
                return
            card.trouble = message.sentence
        elif isinstance(message, Linked):
            self._links_said(event.sender.node_id, card, message)
            return
        elif isinstance(message, Witnessed):
            if card.witness == message.seen:
                return
            card.witness = message.seen
        else:
            card.sample = Sample(message.time_s, message.values)
            card.clock_apart_s = int(message.time_s - self.now_s())
            self.sampled(event.sender.node_id, card.sample)
            self.measured()
            return
        self.changed()

    def _links_said(self, node_id: int, card: Card, said: Linked) -> None:
        before = [state.standing for state in card.link_states]
        card.link_states, card.totem, card.addresses = said.links, said.totem, said.addresses
        self.linked(node_id, said.links)
        if before == [state.standing for state in said.links]:
            self.measured()
        else:
            self.changed()
