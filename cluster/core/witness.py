"""Whom a QDevice would give its vote to when nodes no longer see each other: as corosync-qnetd documents it.

Both its algorithms choose the side with the most nodes, and where two are alike the one with the tie breaker. They
differ in how many votes the device has, which is the configuration's to say. Whether the store follows is another
matter: it does not (docs/decisions/0012).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Witness:
    """`algorithm` is ffsplit or lms; `tie_breaker` is lowest, highest or a node id."""

    host: str = ""
    algorithm: str = "ffsplit"
    tie_breaker: str = "lowest"


def favoured(sides: Sequence[Collection[int]], witness: Witness) -> int | None:
    """Which of the sides that it sees gets the vote, by its place; None where there is none."""
    largest = max(map(len, sides), default=0)
    alike = [place for place, side in enumerate(sides) if side and len(side) == largest]
    if len(alike) < 2:
        return alike[0] if alike else None
    return next((place for place in alike if _tie_breaker(sides, witness) in sides[place]), _first(sides, alike))


def _tie_breaker(sides: Sequence[Collection[int]], witness: Witness) -> int:
    everyone = [node_id for side in sides for node_id in side]
    if witness.tie_breaker in ("lowest", "highest"):
        return (min if witness.tie_breaker == "lowest" else max)(everyone)
    return int(witness.tie_breaker) if witness.tie_breaker.isdecimal() else min(everyone)


def _first(sides: Sequence[Collection[int]], alike: list[int]) -> int:
    """Where the tie breaker is on none of the sides that are alike."""
    return min(alike, key=lambda place: min(sides[place]))
