"""Whether all nodes have the same tree at the same place of the one order: each says a digest, and a majority decides.

The order of changes is agreed on, and what each node made of them should be alike; it is not when a file was forged
with its checksum, or memory failed. A digest is kept for each of the latest changes, so that nodes that stand at
different places can still be compared. Who finds itself alone is filled anew; where no majority agrees, nobody knows
who is right, and this node stops writing. Says and hears through the status group; changes nothing itself.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping

from cluster.core import electorate as votes
from cluster.core.effects import Committed
from cluster.core.entries import Entries
from cluster.node.board_messages import Compared
from cluster.store.schema import NOTHING, digest, tree_checksum, xor

KEPT = 4096  # changes whose digests are remembered
QUESTIONS_MAX = 16
ANSWER_AFTER_S, JUDGE_AFTER_S = 1.0, 3.0  # from being asked; the first gives a change time to arrive

log = logging.getLogger(__name__)


class Digests:
    """The digest of the tree after each of the latest changes."""

    def __init__(self) -> None:
        self._sums: dict[int, bytes] = {}  # by inode
        self._total = NOTHING
        self._after: deque[tuple[int, bytes]] = deque(maxlen=KEPT)  # log index, digest

    def begin(self, tree: Entries, index: int) -> None:
        self._sums = {entry.inode: tree_checksum(entry) for entry in tree.entries.values() if entry.inode}
        self._total = NOTHING
        for each in self._sums.values():
            self._total = xor(self._total, each)
        self._after.clear()
        self._after.append((index, self._digest(tree.version)))

    def add(self, one: Committed) -> None:
        if one.applied is None:
            return
        for inode in one.applied.removed:
            self._total = xor(self._total, self._sums.pop(inode, NOTHING))
        for entry in one.applied.entries:
            fresh = tree_checksum(entry)
            self._total = xor(xor(self._total, self._sums.get(entry.inode, NOTHING)), fresh)
            self._sums[entry.inode] = fresh
        self._after.append((one.point.index, self._digest(one.version)))

    def at(self, index: int) -> bytes | None:
        """The digest of the tree as it was when the log was committed up to `index`; None when that is too long ago."""
        return next((found for after, found in reversed(self._after) if after <= index), None)

    def _digest(self, version: int) -> bytes:
        return digest(self._total, version.to_bytes(8, "big"))


class Comparison:
    """`differs(sentence, alone)` is called when this node is not as the others are: `alone` says that a majority agrees
    without it. `reached()` is the log index committed here, -1 while this node cannot say; `electorate()` whose votes
    count; `later(s, f)` a timer."""

    def __init__(
        self,
        node_id: Callable[[], int],
        reached: Callable[[], int],
        electorate: Callable[[], Mapping[int, int]],
        say: Callable[[Compared], None],
        later: Callable[[float, Callable[[], None]], object],
        differs: Callable[[str, bool], None],
    ) -> None:
        self.digests = Digests()
        self._node_id, self._reached, self._electorate = node_id, reached, electorate
        self._say, self._later, self._differs = say, later, differs
        self._said: dict[int, dict[int, bytes]] = {}  # log index → node id → digest

    def ask(self) -> None:
        """Say how this node stands, so that the others say it too."""
        index = self._reached()
        if index >= 0 and index not in self._said:
            self._open(index)
            self._answer(index)

    def hear(self, node_id: int, message: Compared) -> None:
        if message.index not in self._said:
            self._open(message.index)
            self._later(ANSWER_AFTER_S, lambda: self._answer(message.index))
        self._said[message.index].setdefault(node_id, message.digest)

    def _open(self, index: int) -> None:
        while len(self._said) >= QUESTIONS_MAX:
            del self._said[next(iter(self._said))]
        self._said[index] = {}
        self._later(JUDGE_AFTER_S, lambda: self._judge(index))

    def _answer(self, index: int) -> None:
        """Unless this node is not there yet, or was there too long ago."""
        own = self.digests.at(index) if index <= self._reached() else None
        if own is not None and index in self._said:
            self._said[index][self._node_id()] = own
            self._say(Compared(index, own))

    def _judge(self, index: int) -> None:
        said = self._said.pop(index, {})
        own = said.get(self._node_id())
        if own is None or len(set(said.values())) == 1 or self._reached() < 0:
            return
        sides = [{node_id for node_id, digest_ in said.items() if digest_ == one} for one in set(said.values())]
        most = next((side for side in sides if votes.is_majority(self._electorate(), side)), None)
        if most is None:
            self._differs(f"The nodes do not agree on the content of revision {index}, and no majority does.", False)
        elif self._node_id() not in most:
            self._differs(f"This node's tree is not what a majority has at revision {index}.", True)
        else:
            log.error("Nodes %s do not have what a majority has at revision %d.", sorted(said.keys() - most), index)
