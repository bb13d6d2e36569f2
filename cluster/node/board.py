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
    AnyMessage,
    Compared,
    KeySet,
    Linked,
    LogEntry,
    Logged,
    Sampled,
    SignInFailed,
    Standing,
    StandingAsked,
    Trouble,
    Witnessed,
    Working,
    messages,
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
    recorded: Callable[[int, int], None] = lambda node_id, number: None
    alerts_said: Callable[[int, AlertsSaid], None] = lambda node_id, message: None
    greetings: list[Callable[[], None]] = field(default_factory=list)  # what else is said to somebody new
    cards: dict[int, Card] = field(default_factory=dict)
    members: frozenset[int] = frozenset()
    members_before: frozenset[int] = frozenset()

    def hear(self, event: GroupChanged | Delivered) -> None:
        if isinstance(event, GroupChanged):
            self._members_changed(frozenset(member.node_id for member in event.members))
        else:
            for message in messages(event.payload):
                self._said(event.sender.node_id, message)

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

    def _said(self, node_id: int, message: AnyMessage) -> None:
        match message:
            case Logged():
                self.logged(message.entries)
            case SignInFailed():
                self.failed_sign_in(node_id, message.keys[:FAILED_KEYS_MAX])
            case Compared():
                self.compared(node_id, message)
            case StandingAsked() | Standing():
                self.standing(node_id, message)
            case SurveyAsked() | Surveyed():
                self.surveyed(node_id, message)
            case Working():
                self.working(node_id, message)
            case AlertsSaid():
                self.alerts_said(node_id, message)
            case KeySet():
                self.key_set(node_id, message)
            case Sampled():
                self._sample_said(node_id, self.card(node_id), message)
            case Linked():
                self._links_said(node_id, self.card(node_id), message)
            case Announcement() | Trouble() | Witnessed():
                if _note(self.card(node_id), message):  # else it is said again, for somebody new
                    self.changed()

    def _sample_said(self, node_id: int, card: Card, said: Sampled) -> None:
        card.sample = Sample(said.time_s, said.values)
        card.clock_apart_s = int(said.time_s - self.now_s())
        self.sampled(node_id, card.sample)
        self.recorded(node_id, said.recorded)
        self.measured()

    def _links_said(self, node_id: int, card: Card, said: Linked) -> None:
        before = [state.standing for state in card.link_states]
        card.link_states, card.totem, card.addresses = said.links, said.totem, said.addresses
        self.linked(node_id, said.links)
        if before == [state.standing for state in said.links]:
            self.measured()
        else:
            self.changed()


def _note(card: Card, said: Announcement | Trouble | Witnessed) -> bool:
    """→ whether that is news."""
    before = (card.announcement, card.trouble, card.witness)
    match said:
        case Announcement():
            card.announcement = said
        case Trouble():
            card.trouble = said.sentence
        case Witnessed():
            card.witness = said.seen
    return before != (card.announcement, card.trouble, card.witness)
