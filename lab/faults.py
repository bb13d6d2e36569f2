"""Faults on purpose: cuts, splits, delays and losses on the links of a lab, and their healing.

A cut is a permanent neighbour entry that points at an address nobody has: sends succeed and the packets vanish,
without an error and without a sign, as on a dead wire. A delay is a relay process between a node's port and its
bridge (`relay.py`). The management network is never disturbed.
"""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from lab import processes
from lab.hosts import ROOT, Lab, dead_end
from lab.kernel import ip, ip_batch, until


def cut(lab: Lab, ones: Iterable[str], others: Iterable[str], link: int | None = None, oneway: bool = False) -> None:
    """Nothing from `ones` reaches `others`, and nothing comes back unless `oneway`. On all links, or on one."""
    others = list(others)
    for one, other in itertools.product(ones, others):
        if one != other:
            for sender, receiver in [(one, other)] if oneway else [(one, other), (other, one)]:
                ip_batch(lab.netns(sender), _cuts(lab, receiver, link))


def split(lab: Lab, sides: Sequence[Sequence[str]]) -> None:
    """Cut every side from every other."""
    for side, other in itertools.combinations(sides, 2):
        cut(lab, side, other)


def heal(lab: Lab, link: int | None = None) -> None:
    """Undo every cut; delays stay."""
    for node in lab.nodes:
        for number in _links(lab, link):
            shown = ip("-n", lab.netns(node), "neigh", "show", "dev", f"link{number}", "nud", "permanent")
            peers = [line.split()[0] for line in shown.splitlines()]
            ip_batch(lab.netns(node), (f"neigh del {peer} dev link{number}" for peer in peers))


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


def _cuts(lab: Lab, receiver: str, link: int | None) -> list[str]:
    return [
        f"neigh replace {lab.address(receiver, number)} lladdr {dead_end(number)} dev link{number} nud permanent"
        for number in _links(lab, link)
    ]


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
