"""What a pre-flight looks at on its own host and on the way to others, as narrow doors.

The daemon's are `cluster/node/surveyor.py` and `probing.py`; tests have `fake_surveyor.py`. Nothing is decided behind
them, and nothing but the ports a cluster uses is ever tried: they are no scanner. What is found is judged in
`cluster/core/preflight.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from cluster.core.survey import NodeFacts

NONCE_BYTES = 16
NAMES_MAX = 33  # resolved in one survey
Target = tuple[int, str]  # link, address there


@dataclass(frozen=True, slots=True)
class Measured:
    """One target on one link. `heard`: something of the other's came in; `echoed` of `sent` packets came back.
    `size_passed` is None while no packet came back at all."""

    heard: bool
    sent: int = 0
    echoed: int = 0
    round_trip_ms: float | None = None
    size: int = 0
    size_passed: bool | None = None


class Exchange(Protocol):
    """Packets under way between this host and others on corosync's own ports, which answer likewise."""

    async def complete(self) -> None:
        """When every target was measured, or did not answer for long enough; a few seconds at most."""
        ...

    def measured(self, link: int, address: str) -> Measured | None:
        """None where this host may not look: another program has the port, and it has no right to see what comes."""
        ...


class Surveyor(Protocol):
    """Every method is bounded by itself and raises nothing."""

    async def facts(self, links: Mapping[int, str], names: Sequence[str]) -> NodeFacts:
        """This node as it is; `names` are resolved, NAMES_MAX of them."""
        ...

    async def reach(self, address: str, port: int) -> bool:
        """Can a TCP connection be made? Two seconds at most; nothing is sent."""
        ...

    def exchange(
        self, nonce: bytes, own: Mapping[int, str], targets: Sequence[Target]
    ) -> AbstractAsyncContextManager[Exchange]:
        """Listen at this host's own addresses and send to the targets, until it is left. `nonce` is what both sides
        know each other by."""
        ...

    async def leftovers(self) -> tuple[str, ...]:
        """The paths of what a former cluster left on a stand-alone node."""
        ...

    async def set_leftovers_aside(self) -> str:
        """Move them to a folder of their own among the backups; its name, "" where there was nothing."""
        ...
