"""The loopback engine's links: all go over the one wire, whose round trip is measured with the node's own messages.

A link is connected while its peer is in the ring, and goes down when the peer leaves it. Nothing is sent to measure:
the newest message under way is timed until the wire delivers it back.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping

from cluster.engine.base import LinkCount, Measured
from cluster.model import TotemState

MTU = 65_535  # bytes; the wire is a stream, this is what the loopback network would carry


class LinkMeter:
    """Hears of every message that leaves and comes back, and of every ring."""

    def __init__(self) -> None:
        self._sent = self._back = 0
        self._timed: tuple[int, float] | None = None  # which message, and when it left
        self._sum_us = self._max_us = self._samples = 0
        self._ring: frozenset[int] = frozenset()
        self._flaps: dict[int, int] = {}

    def left(self) -> None:
        self._sent += 1
        if self._timed is None:
            self._timed = (self._sent, time.monotonic())

    def came_back(self) -> None:
        self._back += 1
        if self._timed is not None and self._back >= self._timed[0]:
            took_us = max(1, round((time.monotonic() - self._timed[1]) * 1e6))
            self._sum_us, self._samples = self._sum_us + took_us, self._samples + 1
            self._max_us, self._timed = max(self._max_us, took_us), None

    def ring(self, nodes: Collection[int]) -> None:
        for gone in self._ring - frozenset(nodes):
            self._flaps[gone] = self._flaps.get(gone, 0) + 1
        self._ring = frozenset(nodes)

    def measured(self, known: Mapping[tuple[int, int], str]) -> Measured:
        """`known`: the peer's address by its id and the link's number."""
        average_us = self._sum_us // self._samples if self._samples else None
        links = (
            LinkCount(
                peer_id, link, peer_id in self._ring, average_us, self._max_us if self._samples else None,
                self._samples, self._samples, self._samples, 0, self._flaps.get(peer_id, 0), MTU,
                address,
            )
            for (peer_id, link), address in known.items()
        )  # fmt: skip
        return Measured(tuple(links), TotemState(retransmits=0))
