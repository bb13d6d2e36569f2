"""What was found when something was looked at: a code, a severity, a sentence, why it matters, and what mends it.

Said alike by `pvecm check`, `pvecm verify`, the pre-flight of create and join, the API and the pages. Values only; what
is found in which case is decided in `preflight.py` and by whoever looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["ok", "info", "warning", "error"]
Fix = Literal["", "remove-leftovers", "choose-address"]
WHY = {
    "udp": "The engine's messages travel by UDP; without them the nodes do not see each other.",
    "tcp": "Nodes ask each other over HTTPS: joining, catching up, and pages about another node.",
    "round-trip": "Every write waits for messages there and back; above 5 ms a cluster becomes slow, then unstable.",
    "loss": "Lost packets are sent again, which delays everybody; many of them break the ring.",
    "mtu": "Where large packets do not pass, small ones do: the nodes meet, and stall at the first large change.",
    "clock": "Tickets, tokens and logs of one node are read on the others.",
    "time-source": "A clock that nobody keeps drifts away from the others'.",
    "names": "A name that means different hosts on different nodes leads programs and people astray.",
    "unique-name": "A node is known by its name; two of one name cannot be told apart.",
    "unique-address": "Two nodes with one address take each other's messages.",
    "unique-id": "The engine knows nodes by their ids.",
    "version": "Nodes of different versions work together, but new functions wait for the oldest.",
    "engine-version": "Different versions of corosync may not understand each other.",
    "engine-fixes": "Whoever has the cluster's key, a member that was taken over, could stop corosync on the others.",
    "space": "A full disk makes the node read-only.",
    "cpu": "Guests can only move while they run between processors of one kind.",
    "ssh": "Nothing here needs SSH; Proxmox VE's own tools between nodes do.",
    "shared-network": "Bursts of other traffic delay the engine's messages.",
    "bond": "The engine needs packets in order, and a bond that fails over within its token's time.",
    "leftovers": "What a former cluster left could bring this node back to it.",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing in the way (`error`), worth knowing (`warning`, `info`) or found in order (`ok`). `node` is empty where
    it concerns this node or all. A `firm` error stands against `force` too. `fix` names what a program can do."""

    code: str
    severity: Severity
    sentence: str
    firm: bool = False
    node: str = ""
    why: str = ""
    advice: str = ""
    fix: Fix = ""


def finding(code: str, severity: Severity, sentence: str, node: str = "", advice: str = "") -> Finding:
    return Finding(code, severity, sentence, node=node, why=WHY.get(code, ""), advice=advice)
