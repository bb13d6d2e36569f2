"""The part of a replica that is the same in every phase: the tree, the log, commits, outcomes, replies.

`replica.py` decides when entries may be appended and counted; this turns a committed entry into a changed tree, an
answered request and an effect. It knows nothing of views, promises or epochs' beginnings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from cluster.core import electorate as votes
from cluster.core.effects import Committed, Done, Effect, Expose, Keep, Outcome, Refused, Reply
from cluster.core.log import Entry, Log
from cluster.core.messages import InForce, Point
from cluster.core.operations import AnyBody, Command, ElectorateChange, Write, decode_body
from cluster.core.proposals import Proposals
from cluster.core.snapshot import Remembered, Snapshot
from cluster.core.tree import Applied, Tree
from cluster.errors import StoreRefusal
from cluster.model import Revision

REMEMBERED_MAX = 100_000
REMEMBERED_MS = 24 * 3600 * 1000
CONFIGURATION = "corosync.conf"

_CHANGE_TAG = ElectorateChange.__name__.encode()

Nodelist = Callable[[bytes], Mapping[int, int]]


@dataclass
class Durable:
    """What a replica wakes up with: what its disk holds. `uuid` is empty on a node that never had a store."""

    uuid: str
    node_id: int
    blank: bool = False
    promised: int = 0
    snapshot: Snapshot = field(default_factory=Snapshot)
    suffix: tuple[Entry, ...] = ()


class Machine:
    """The committed state and its log. `nodelist` reads the votes out of corosync.conf's text."""

    def __init__(self, durable: Durable, nodelist: Nodelist) -> None:
        self.nodelist = nodelist
        self.proposals = Proposals()
        self.adopt(durable.snapshot, durable.suffix)

    def adopt(self, snapshot: Snapshot, suffix: tuple[Entry, ...] = ()) -> None:
        """Start from a snapshot and the entries after it. Raises `StoreRefusal` when it holds no tree."""
        tree = Tree.from_entries(snapshot.entries, snapshot.version, snapshot.mtime_s, snapshot.writer)
        self.tree = tree  # nothing has changed if that was refused
        self.log = Log(snapshot.point, suffix)
        self.electorate: dict[int, int] = dict(snapshot.electorate)
        self.remembered: dict[str, Remembered] = {r.request_id: r for r in snapshot.remembered}
        self._configured: tuple[int, dict[int, int]] | None = None

    def snapshot(self) -> Snapshot:
        """The committed state now, for a node that needs all of it."""
        root = self.tree.entries[0]
        return Snapshot(
            self.log.commit, self.tree.version, root.mtime_s, tuple(self.tree.walk()), dict(self.electorate),
            tuple(self.remembered.values()), root.writer,
        )  # fmt: skip

    def would_lose(self, entry: Entry) -> bool:
        """Is this somebody's change, and not known to have happened in this or another place?"""
        body = body_of(entry)
        return isinstance(body, Command) and body.request_id not in self.remembered

    def not_yet_committed(self, path: str) -> list[bytes]:
        """What the entries after the commit point write at a path, the newest first. A node that was killed may have
        seen them take effect: which of its last entries are committed, it knows when it hears of the others again."""
        bodies = (body_of(entry) for entry in reversed(self.log.suffix))
        written = (one for body in bodies if isinstance(body, Command) for one in reversed(body.operations))
        return [one.data for one in written if isinstance(one, Write) and one.path == path]

    def configured_votes(self) -> Mapping[int, int]:
        """Node id → votes in the committed corosync.conf; the electorate itself where there is none."""
        entry = self.tree.find(CONFIGURATION)
        if entry is None or entry.data is None:
            return self.electorate
        if self._configured is None or self._configured[0] != entry.content_version:
            self._configured = (entry.content_version, dict(self.nodelist(entry.data)) or dict(self.electorate))
        return self._configured[1]

    def electorates(self) -> tuple[InForce, ...]:
        """Those in force: the committed one, then each valid change in the uncommitted suffix."""
        found = [InForce(self.log.commit.index, self.electorate)]
        for entry in self.log.suffix:
            after = change_after(entry, found[-1].votes)
            if after is not None:
                found.append(InForce(entry.point.index, after))
        return tuple(found)

    def index_to_commit(self, held: Mapping[int, int]) -> int:
        """How far the log may be committed, given how far each node holds it.

        A change of the electorate needs a majority of the old and of the new one, and only then the new one counts.
        """
        reach = min(votes.index_held_by_majority(self.electorate, held), self.log.last.index)
        for entry in self.log.suffix:
            if entry.point.index > reach:
                break
            after = change_after(entry, self.electorate)
            if after is not None:
                holders = [node_id for node_id, index in held.items() if index >= entry.point.index]
                return entry.point.index if votes.is_majority(after, holders) else entry.point.index - 1
        return reach

    def commit(self, held: Mapping[int, int], now: list[Effect], known: Point | None = None) -> bool:
        """Commit what is known to be committed, and what a majority holds; returns whether anything was."""
        if not self.log.suffix:
            return False
        done: list[Committed] = []
        if known is not None and known.index > self.log.commit.index and known in self.log.points():
            done += [self._apply(entry, now) for entry in self.log.take_committed(known.index)]
        while (target := self.index_to_commit(held)) > self.log.commit.index:
            done += [self._apply(entry, now) for entry in self.log.take_committed(target)]
        if not done:
            return False
        now.append(Keep(tuple(done)))
        changed = tuple(one for one in done if one.applied is not None)
        if changed:
            now.append(Expose(changed))
        return True

    def _apply(self, entry: Entry, now: list[Effect]) -> Committed:
        body = body_of(entry)
        if isinstance(body, Command):
            return self._apply_command(entry, body, now)
        after = change_after(entry, self.electorate)
        if after is not None:
            self.electorate = after
        return Committed(entry.point, self.tree.version, None, electorate=after)

    def _apply_command(self, entry: Entry, command: Command, now: list[Effect]) -> Committed:
        known = self.remembered.get(command.request_id)
        if known is not None:
            self._answer(known, now)
            return Committed(entry.point, self.tree.version, None)
        applied: Applied | None = None
        number, message = 0, ""
        try:
            applied = self.tree.apply(command)
        except StoreRefusal as refusal:
            number, message = refusal.errno, refusal.message
        point = entry.point
        remembered = Remembered(command.request_id, point.epoch, point.index, number, message, command.time_ms)
        self._remember(remembered)
        self._answer(remembered, now)
        return Committed(
            point, self.tree.version, applied, remembered, None, command.user, command.door, command.node_id,
            command.time_ms,
        )  # fmt: skip

    def _remember(self, one: Remembered) -> None:
        self.remembered[one.request_id] = one
        while self.remembered:
            oldest = next(iter(self.remembered.values()))
            if len(self.remembered) <= REMEMBERED_MAX and one.time_ms - oldest.time_ms <= REMEMBERED_MS:
                return
            del self.remembered[oldest.request_id]

    def _answer(self, known: Remembered, now: list[Effect]) -> None:
        if self.proposals.remove(known.request_id) is not None:
            now.append(Reply(known.request_id, outcome_of(known)))


def outcome_of(known: Remembered) -> Outcome:
    revision = Revision(known.epoch, known.index)
    if known.errno:
        return Refused(known.errno, known.message, revision)
    return Done(revision)


def body_of(entry: Entry) -> AnyBody | None:
    """An entry's body; None for one that cannot be read, which changes nothing on any node alike."""
    try:
        return decode_body(entry.body)
    except (msgspec.DecodeError, ValueError):
        return None


def change_after(entry: Entry, current: Mapping[int, int]) -> dict[int, int] | None:
    """The electorate an entry puts in force, or None when it is no change, or one that is void."""
    body = body_of(entry) if _CHANGE_TAG in entry.body[:24] else None  # a look before the costlier decoding
    if isinstance(body, ElectorateChange) and body.before == current and body.after:
        return dict(body.after)
    return None
