"""When nodes that were alive did not see each other: the split-brain explainer. Pure.

Each node says with its events whom it saw from then on, and whether that was enough. Nodes are in parts when two of
them, both known and running, did not see each other; one that saw a node which does not see it back is no proof, for
that node may just have died.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cluster.flight.causes import Placed

SHORTEST_S = 0.5  # nodes do not hear of the same change at the same time
ENDINGS = frozenset({"stopped", "started", "started-unclean"})


@dataclass(frozen=True, slots=True)
class Part:
    """Nodes that saw each other. `quorate` is None when they did not say."""

    nodes: tuple[str, ...]
    quorate: bool | None


@dataclass(frozen=True, slots=True)
class Parting:
    """`to_s` is None while it lasts, as far as is known."""

    from_s: float
    to_s: float | None
    parts: tuple[Part, ...]


def partings(events: Sequence[Placed]) -> tuple[Parting, ...]:
    """Newest first."""
    return tuple(reversed([one for one in _joined(_spans(events)) if _length_s(one) >= SHORTEST_S]))


def _length_s(one: Parting) -> float:
    return math.inf if one.to_s is None else one.to_s - one.from_s


def _spans(events: Sequence[Placed]) -> Iterator[Parting]:
    sees: dict[str, tuple[tuple[str, ...], bool | None]] = {}
    began_s, parts = 0.0, _parts(sees)
    for one in sorted(events, key=lambda each: (each.time_s, each.node, each.event.number)):
        if one.event.code in ENDINGS:
            sees.pop(one.node, None)
        elif one.event.sees is not None:
            sees[one.node] = (one.event.sees, one.event.quorate)
        now = _parts(sees)
        if now != parts:
            if parts:
                yield Parting(began_s, one.time_s, parts)
            began_s, parts = one.time_s, now
    if parts:
        yield Parting(began_s, None, parts)


def _parts(sees: dict[str, tuple[tuple[str, ...], bool | None]]) -> tuple[Part, ...]:
    """The parts the nodes are in; () while there is one."""
    apart = {
        name
        for name, (seen, _) in sees.items()
        for other, (back, _) in sees.items()
        if other != name and other not in seen and name not in back
    }
    if not apart:
        return ()
    found: dict[tuple[str, ...], bool | None] = {}
    for name in sorted(apart):
        seen, quorate = sees[name]
        found.setdefault(tuple(sorted(seen)), quorate)
    return tuple(Part(nodes, quorate) for nodes, quorate in sorted(found.items()))


def _joined(spans: Iterable[Parting]) -> Iterator[Parting]:
    """Spans that follow one another are one, for quorum and members are told a moment apart: the parts are those that
    held longest."""
    together: list[Parting] = []
    for span in spans:
        last_s = together[-1].to_s if together else None
        if last_s is not None and span.from_s - last_s >= 2 * SHORTEST_S:
            yield _one_of(together)
            together = []
        together.append(span)
    if together:
        yield _one_of(together)


def _one_of(spans: Sequence[Parting]) -> Parting:
    return Parting(spans[0].from_s, spans[-1].to_s, max(spans, key=_length_s).parts)
