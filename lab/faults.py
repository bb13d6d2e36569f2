"""Faults on purpose: cuts, splits, delays and losses on the links of a lab, a power cut, and their healing.

A cut is a rule in the lab's switch: sends succeed and the packets vanish, without an error and without a sign, as on a
dead wire. However many nodes it parts, it begins and ends for all of them at one moment: cutting one peer after the
other would hide what only a sudden loss can show. A delay is a relay process between a node's port and its bridge
(`relay.py`). The management network is never disturbed.
"""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from lab import disks, processes
from lab.hosts import ROOT, Lab
from lab.kernel import ip, ip_batch, nft, until


def cut(lab: Lab, ones: Iterable[str], others: Iterable[str], link: int | None = None, oneway: bool = False) -> None:
    """Nothing from `ones` reaches `others`, and nothing comes back unless `oneway`. On all links, or on one."""
    pairs = [(one, other) for one, other in itertools.product(list(ones), list(others)) if one != other]
    _cut(lab, pairs if oneway else [*pairs, *((other, one) for one, other in pairs)], link)


def split(lab: Lab, sides: Sequence[Sequence[str]]) -> None:
    """Cut every side from every other."""
    parted = itertools.permutations(sides, 2)
    _cut(lab, [pair for side, other in parted for pair in itertools.product(side, other)], None)


def heal(lab: Lab, link: int | None = None) -> None:
    """Undo every cut; delays stay."""
    nft(lab.switch, [*_table(lab), *(f"flush set bridge lab cuts{number}" for number in _links(lab, link))])


def cut_power(lab: Lab, nodes: Sequence[str]) -> None:
    """From one moment to the next nothing reaches the nodes' disks, what was not flushed to them is gone, and every
    process of theirs is dead. For a lab whose nodes have disks of their own; `Lab.start` powers a node on again."""
    for node in nodes:
        disks.shut_down(lab.path(node, lab.disk(node)))
    for node in nodes:
        lab.kill(node)


def delay(
    lab: Lab, node: str, ms: float, jitter_ms: float = 0, loss_percent: float = 0, link: int | None = None
) -> None:
    """Each direction of the node's links takes `ms` (± jitter) longer and loses some frames. All zero: as before."""
    for number in _links(lab, link):
        _stop_relay(lab, node, number)
        if ms or jitter_ms or loss_percent:
            _start_relay(lab, node, number, [str(ms), str(jitter_ms), str(loss_percent)])


def _links(lab: Lab, link: int | None) -> Iterable[int]:
    return range(lab.links) if link is None else [link]


def _cut(lab: Lab, pairs: Sequence[tuple[str, str]], link: int | None) -> None:
    """All of it in one transaction of the kernel's."""
    lines = _table(lab)
    for number in _links(lab, link):
        ports = (itertools.product(_ports(lab, one, number), _ports(lab, other, number)) for one, other in pairs)
        parted = ", ".join(f'"{one}" . "{other}"' for pair in ports for one, other in pair)
        if parted:
            lines.append(f"add element bridge lab cuts{number} {{ {parted} }}")
    nft(lab.switch, lines)


def _table(lab: Lab) -> list[str]:
    """What a cut stands in, made anew each time with the cuts there are. ARP passes: a link that is cut in one
    direction stays one that works in the other."""
    hook = "type filter hook forward priority 0; policy accept;"
    lines = ["add table bridge lab", f"add chain bridge lab forward {{ {hook} }}", "flush chain bridge lab forward"]
    for number in range(lab.links):
        lines.append(f"add set bridge lab cuts{number} {{ type ifname . ifname; }}")
        lines.append(f"add rule bridge lab forward ether type != arp iifname . oifname @cuts{number} drop")
    return lines


def _ports(lab: Lab, node: str, link: int) -> Iterator[str]:
    """The node's ports on a bridge: its own, or its relay's."""
    port, _, far = _relay_ports(lab, node, link)
    yield from (port, far)


def _start_relay(lab: Lab, node: str, link: int, figures: Sequence[str]) -> None:
    port, near, far = _relay_ports(lab, node, link)
    ip_batch(
        lab.switch,
        [
            f"link add {near} type veth peer name {far}",
            f"link set {port} nomaster",
            f"link set {far} master br{link}",
            f"link set {far} up",
            f"link set {near} up",
        ],
    )
    with open(f"{lab.folder(node)}/relay{link}.log", "ab") as log:
        argv = [sys.executable, "-m", "lab.relay", lab.switch, port, near, *figures]
        # setsid forks and ends: the relay belongs to the lab, not to the process that asked for the delay.
        tag = {"LAB_RELAY": f"{lab.name}-{node}-{link}", "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
        subprocess.run(
            ["setsid", "--fork", *argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=tag, check=True
        )


def _stop_relay(lab: Lab, node: str, link: int) -> None:
    running = processes.tagged(f"LAB_RELAY={lab.name}-{node}-{link}")
    if not running:
        return
    for pid in running:
        processes.send(pid, signal.SIGKILL)
    until(lambda: not any(map(processes.alive, running)), 5, f"the relay of {node} does not end")
    port, near, _ = _relay_ports(lab, node, link)
    ip("-n", lab.switch, "link", "del", near)
    ip("-n", lab.switch, "link", "set", port, "master", f"br{link}")


def _relay_ports(lab: Lab, node: str, link: int) -> tuple[str, str, str]:
    number = lab.number(node)
    return f"n{number}l{link}", f"r{number}l{link}", f"q{number}l{link}"


def relay_log(lab: Lab, node: str, link: int) -> str:
    """What a relay complained about; empty when all went well."""
    return Path(lab.folder(node), f"relay{link}.log").read_text(encoding="utf-8", errors="replace")
