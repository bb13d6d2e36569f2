"""What the other nodes have recorded: asked of each over its pinned address, kept as far as heard, bounded in time.

Only what is new is asked for, when somebody looks: each node says with its figures how far it has come. Most of what
happens is seen by all, and thirty nodes would tell thirty the same. A node that is away is asked too, now and then and
briefly, for in a partition its address may still answer; while it does not, what it said last stays, with the moment
from which nothing is known.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from cluster.errors import InvalidInput, QuireError
from cluster.flight.recorded import Recorded, is_sound
from cluster.model import NodeState

ASK_S = 2.0
ASK_AWAY_AGAIN_S = 5.0
KEPT_PER_NODE = 2000
NODES_MAX = 64


class Asked(msgspec.Struct, array_like=True, frozen=True):
    """All you recorded after this number."""

    after: int


class Answer(msgspec.Struct, array_like=True, frozen=True):
    """`newest` is the number of the newest event there, whether it is among `events` or not."""

    newest: int
    events: tuple[Recorded, ...]


Ask = Callable[[int, bytes], Awaitable[bytes]]


@dataclass(slots=True)
class Fellow:
    """What is known of one node's events. `heard_s` (unix) is when it answered last, None before it ever did."""

    events: deque[Recorded] = field(default_factory=lambda: deque(maxlen=KEPT_PER_NODE))
    newest: int = 0
    said: int = 0  # the number it said to have reached
    heard_s: float | None = None
    answers: bool = False
    reason: str = ""
    asked_at_s: float = -ASK_AWAY_AGAIN_S  # monotonic


class Fellows:
    """`ask(node id, body)` carries a question to a node and raises QuireError."""

    def __init__(self, ask: Ask, now_s: Callable[[], float], mono_s: Callable[[], float]) -> None:
        self._ask, self._now_s, self._mono_s = ask, now_s, mono_s
        self._known: dict[str, Fellow] = {}

    def of(self, name: str) -> Fellow:
        return self._known.setdefault(name, Fellow())

    def hear(self, name: str, number: int) -> bool:
        """A node has said the number of its newest event. → whether there is something to ask it for."""
        fellow = self.of(name)
        news, fellow.said = number != fellow.said, number
        if fellow.answers and number == fellow.newest:
            fellow.heard_s = self._now_s()  # as good as an answer without events
        return news

    async def refresh(self, nodes: Iterable[NodeState]) -> None:
        """Ask all that may have something new, at once; returns within `ASK_S`."""
        others = [node for node in nodes if not node.local][:NODES_MAX]
        for gone in self._known.keys() - {node.name for node in others}:
            del self._known[gone]
        await asyncio.gather(*(self._refresh(node) for node in others if self._is_due(node)))

    def _is_due(self, node: NodeState) -> bool:
        fellow = self.of(node.name)
        if node.online and fellow.answers:
            return fellow.said != fellow.newest
        return node.online is True or self._mono_s() - fellow.asked_at_s >= ASK_AWAY_AGAIN_S

    async def _refresh(self, node: NodeState) -> None:
        fellow = self.of(node.name)
        fellow.asked_at_s = self._mono_s()
        try:
            async with asyncio.timeout(ASK_S):
                answer = await self._get(node.node_id, fellow.newest)
                if answer.newest < fellow.newest:  # it lost what it had, and counts anew
                    fellow.events.clear()
                    answer = await self._get(node.node_id, 0)
        except QuireError as error:
            fellow.answers, fellow.reason = False, error.message
            return
        except TimeoutError:
            fellow.answers, fellow.reason = False, f"{node.name} did not answer within {ASK_S:g} s."
            return
        fellow.events.extend(event for event in answer.events if is_sound(event))
        fellow.newest = fellow.said = answer.newest
        fellow.answers, fellow.reason, fellow.heard_s = True, "", self._now_s()

    async def _get(self, node_id: int, after: int) -> Answer:
        body = msgspec.msgpack.encode(Asked(after))
        try:
            return msgspec.msgpack.decode(await self._ask(node_id, body), type=Answer)
        except (msgspec.DecodeError, ValueError):
            raise InvalidInput("It answered with something that is no list of events.") from None


def answer(body: bytes, since: Callable[[int], tuple[Recorded, ...]], newest: int) -> bytes:
    """What this node gives to one that asks. Raises InvalidInput."""
    try:
        asked = msgspec.msgpack.decode(body, type=Asked)
    except (msgspec.DecodeError, ValueError):
        raise InvalidInput("The question for events is malformed.") from None
    return msgspec.msgpack.encode(Answer(newest, since(asked.after)))
