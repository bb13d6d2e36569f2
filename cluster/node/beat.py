"""The moments at which every node says what it says regularly: the same on all nodes, by their clocks.

What is said to all keeps corosync's token going round fast, about thirty times after each message, before it rests
again; and each message is shown to pages. Said together, thirty-two nodes' figures cost little more than one node's.
Nodes whose clocks differ lose only that.
"""

from __future__ import annotations

BEAT_S = 2.0
AFTER_S = 0.005  # so that a timer that is a little early is not before the beat


def until_beat_s(every_s: float, now_s: float) -> float:
    """Seconds from `now_s` (unix) to the next beat, of which there is one every `every_s`."""
    return every_s - now_s % every_s + AFTER_S
