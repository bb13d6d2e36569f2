"""What the quorum section of a corosync.conf says, as the options that `cluster/core/quorum.py` reckons with.

Reads as corosync reads: what is not a number is as if it were not there.
"""

from __future__ import annotations

import re

from cluster.core.quorum import Options
from cluster.core.witness import Witness
from cluster.corosync.conf import Document
from cluster.corosync.conf.document import Section

NODE_IDS = re.compile(r"[0-9]{1,9}(?: +[0-9]{1,9})*")


def quorum_options(document: Document) -> Options:
    section = document.root.only("quorum") or Section()
    wait_for_all = section.get("wait_for_all")
    return Options(
        two_node=section.get("two_node") == "1",
        wait_for_all=wait_for_all == "1" if wait_for_all else None,
        expected_votes=_number(section.get("expected_votes")),
        qdevice_votes=_device_votes(section, len(document.nodes())),
        auto_tie_breaker=_tie_breaker(section) if section.get("auto_tie_breaker") == "1" else "",
        last_man_standing=section.get("last_man_standing") == "1",
    )


def witness_of(document: Document) -> Witness | None:
    """The QDevice that is configured, and how it chooses."""
    section = document.root.only("quorum") or Section()
    device = section.only("device")
    if device is None or not quorum_options(document).has_qdevice:
        return None
    net = device.only("net") or Section()
    return Witness(net.get("host"), net.get("algorithm", "test"), net.get("tie_breaker", "lowest"))


def _device_votes(section: Section, nodes: int) -> int:
    """Without a number it has one vote less than there are nodes."""
    device = section.only("device")
    if device is None or not device.get("model"):
        return 0
    given = _number(device.get("votes"))
    return nodes - 1 if given is None else given


def _tie_breaker(section: Section) -> str:
    which = section.get("auto_tie_breaker_node", "lowest").strip()
    return which if which == "highest" or NODE_IDS.fullmatch(which) else "lowest"


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 10 else None
