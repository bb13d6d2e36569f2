"""Turns what the engine counted on each link into the states that pages show: recent latency and loss, out of readings.

Pure: readings and their times are handed in. How the figures reach other nodes is `link_watch.py`.

Corosync tells one average over its last 2048 pings, half an hour's worth, kept in whole microseconds. What the newest
pings took is worked out of how that average moved; rounding leaves that uncertain by up to a microsecond per sample.
Where the average itself lies within the uncertainty, the average is the better answer.
"""

from __future__ import annotations

from collections import deque

from cluster.engine.base import LinkCount
from cluster.model import LinkState

LATENCY_WINDOW_S = 2.0
LOSS_WINDOW_S = 30.0
PINGS_MIN = 5  # fewer say nothing about loss
READINGS_MAX = 64

Reading = tuple[float, LinkCount]


class LinkReadings:
    """The readings of the last half minute, by peer and link."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, int], deque[Reading]] = {}

    def next(self, now_s: float, counts: tuple[LinkCount, ...]) -> tuple[LinkState, ...]:
        """The states after one more reading at `now_s` (a clock that never goes back)."""
        known, self._kept = self._kept, {}
        states = []
        for count in counts:
            key = (count.peer_id, count.link)
            readings = self._kept[key] = known.get(key) or deque(maxlen=READINGS_MAX)
            if readings and _fell(readings[-1][1], count):
                readings.clear()  # the engine has started anew
            readings.append((now_s, count))
            while now_s - readings[0][0] > LOSS_WINDOW_S:
                readings.popleft()
            states.append(_state(now_s, readings))
        return tuple(states)


def _state(now_s: float, readings: deque[Reading]) -> LinkState:
    now = readings[-1][1]
    return LinkState(
        now.peer_id,
        now.link,
        now.connected,
        _recent_latency_us(now_s, readings) if now.connected else None,
        now.latency_ave_us,
        now.latency_max_us,
        loss_between(readings[0][1], now),
        now.retries,
        now.flaps,
        now.mtu,
        now.peer_address,
    )


def _recent_latency_us(now_s: float, readings: deque[Reading]) -> int | None:
    """From the shortest span of at least the window, of which the first reading begins one; the whole, while short."""
    before = next((count for at_s, count in reversed(readings) if now_s - at_s >= LATENCY_WINDOW_S), readings[0][1])
    return latency_between(before, readings[-1][1])


def latency_between(before: LinkCount, now: LinkCount) -> int | None:
    """The mean round trip of the pings answered between two readings, as near as their averages tell."""
    if now.latency_ave_us is None:
        return None
    answered = now.pongs - before.pongs
    if before.latency_ave_us is None or answered <= 0:
        return now.latency_ave_us
    grown = now.latency_samples - before.latency_samples
    moved = now.latency_ave_us * now.latency_samples - before.latency_ave_us * before.latency_samples
    # Samples beyond corosync's limit push older ones out, each as heavy as the average was.
    pushed_out = max(0, answered - grown) * (before.latency_ave_us + now.latency_ave_us) / 2
    least = (moved + pushed_out) / max(answered, grown)
    most = least + now.latency_samples
    if least <= now.latency_ave_us <= most:
        return now.latency_ave_us
    return max(0, round((least + most) / 2))


def loss_between(before: LinkCount, now: LinkCount) -> float | None:
    """The share of pings without an answer; the one that may be under way does not count."""
    sent, answered = now.pings - before.pings, now.pongs - before.pongs
    if sent < PINGS_MIN:
        return None
    return max(0, sent - answered - 1) / sent


def _fell(before: LinkCount, now: LinkCount) -> bool:
    return now.pings < before.pings or now.pongs < before.pongs or now.flaps < before.flaps
