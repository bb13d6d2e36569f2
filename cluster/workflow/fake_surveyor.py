"""The fake of `surveyor.py`: a host whose facts are given, on a network where ways can be closed, slow or narrow."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cluster.core.survey import LinkFacts, NodeFacts
from cluster.workflow.surveyor import Exchange, Measured, Target

HEALTHY = NodeFacts(
    "", 1_000_000.0, "chronyd", True, "0.1.0", "3.1.7", "GenuineIntel", "A Processor", 9 << 30, True,
    corosync_package="3.1.7-1+deb12u2",
)  # fmt: skip
PASSES = Measured(True, 10, 10, 0.4, 1500, True)


class FakeExchange:
    """What a test says of each target; whoever is not spoken of answers at once."""

    def __init__(self, said: Mapping[Target, Measured | None]) -> None:
        self._said = said

    async def complete(self) -> None:
        return

    def measured(self, link: int, address: str) -> Measured | None:
        return self._said.get((link, address), PASSES)


@dataclass
class FakeSurveyor:
    """`closed` addresses refuse TCP; `ways` says how packets to a target fare."""

    name: str
    own: NodeFacts = HEALTHY
    closed: set[str] = field(default_factory=set)
    ways: dict[Target, Measured | None] = field(default_factory=dict)
    left: tuple[str, ...] = ()
    tried: list[tuple[str, int]] = field(default_factory=list)
    knows: dict[str, tuple[str, ...]] = field(default_factory=dict)

    async def facts(self, links: Mapping[int, str], names: Sequence[str]) -> NodeFacts:
        known = {one.number: one for one in self.own.links}
        found = tuple(known.get(n, LinkFacts(n, address, f"eth{n}", 1500)) for n, address in sorted(links.items()))
        resolves = {name: self.knows.get(name, ()) for name in names}
        return replace(self.own, name=self.name, links=found, resolves=resolves)

    async def reach(self, address: str, port: int) -> bool:
        self.tried.append((address, port))
        return address not in self.closed

    @contextlib.asynccontextmanager
    async def exchange(
        self, nonce: bytes, own: Mapping[int, str], targets: Sequence[Target]
    ) -> AsyncIterator[Exchange]:
        yield FakeExchange(self.ways)

    async def leftovers(self) -> tuple[str, ...]:
        return self.left

    async def set_leftovers_aside(self) -> str:
        name, self.left = ("leftovers-1" if self.left else ""), ()
        return name
