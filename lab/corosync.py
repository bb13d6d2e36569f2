"""A bare corosync in the nodes of a lab: for tests of the engine, for measuring, and for a look at corosync itself.

Quire starts its own corosync as it would on a real host; nothing here is needed for that.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterable

from lab import processes
from lab.hosts import Lab
from lab.kernel import LabError, until

CONF = "/etc/corosync/corosync.conf"
KEY = "/etc/corosync/authkey"


def conf_text(lab: Lab, token_ms: int = 1000, nodes: Iterable[str] | None = None) -> str:
    """A corosync.conf for the nodes. Small token timeouts make a lab quick; real hosts take corosync's own."""
    members = "".join(_node_text(lab, node) for node in (lab.nodes if nodes is None else nodes))
    interfaces = "".join(f"  interface {{\n    linknumber: {link}\n  }}\n" for link in range(lab.links))
    return (
        f"totem {{\n  version: 2\n  cluster_name: {lab.name[:15]}\n  config_version: 1\n  transport: knet\n"
        f"  link_mode: passive\n  ip_version: ipv4\n  secauth: on\n  token: {token_ms}\n{interfaces}}}\n"
        f"nodelist {{\n{members}}}\n"
        "quorum {\n  provider: corosync_votequorum\n}\n"
        "logging {\n  to_stderr: yes\n  to_syslog: no\n  to_logfile: no\n  timestamp: hires\n}\n"
        "system {\n  sched_rr: no\n  move_to_root_cgroup: no\n}\n"
    )


def _node_text(lab: Lab, node: str) -> str:
    addresses = "".join(f"    ring{link}_addr: {lab.address(node, link)}\n" for link in range(lab.links))
    number = lab.number(node)
    return f"  node {{\n    name: {node}\n    nodeid: {number}\n    quorum_votes: 1\n{addresses}  }}\n"


def configure(lab: Lab, token_ms: int = 1000) -> None:
    """Write corosync.conf and one key for all into every node's /etc/corosync."""
    key = os.urandom(256)
    for node in lab.nodes:
        lab.path(node, CONF).write_text(conf_text(lab, token_ms), encoding="utf-8")
        path = lab.path(node, KEY)
        path.unlink(missing_ok=True)
        path.touch(mode=0o400)
        path.write_bytes(key)


def running(lab: Lab, node: str) -> int:
    """The pid of the node's corosync on this machine, 0 when there is none."""
    found = (pid for pid, command in lab.processes(node).items() if command.split()[:1] == ["corosync"])
    return next(found, 0)


def start(lab: Lab, nodes: Iterable[str] | None = None) -> None:
    for node in lab.nodes if nodes is None else nodes:
        if not running(lab, node):
            lab.spawn(node, ["corosync", "-f"], f"{lab.folder(node)}/corosync.log")


def kill(lab: Lab, node: str, how: signal.Signals = signal.SIGKILL) -> None:
    pid = running(lab, node)
    if not pid:
        raise LabError(f"no corosync runs on {node}")
    processes.send(pid, how)
    until(lambda: not processes.alive(pid), 20, f"the corosync of {node} does not end")


def quorum(lab: Lab, node: str) -> tuple[bool, int]:
    """Quorate, and the total votes, in corosync-quorumtool's words; (False, 0) when it has no answer."""
    return membership(lab, node)[:2]


def membership(lab: Lab, node: str) -> tuple[bool, int, str]:
    """Quorate, the total votes, and the ring's id, in corosync-quorumtool's words; (False, 0, "") without an answer."""
    said = lab.output(node, ["corosync-quorumtool", "-s"])
    votes = re.search(r"^Total votes:\s+(\d+)", said, re.MULTILINE)
    ring = re.search(r"^Ring ID:\s+(\S+)", said, re.MULTILINE)
    quorate = re.search(r"^Quorate:\s+Yes", said, re.MULTILINE) is not None
    return quorate, int(votes[1]) if votes else 0, ring[1] if ring else ""


def wait_quorate(lab: Lab, nodes: Iterable[str] | None = None, timeout_s: float = 60) -> float:
    """Wait until these nodes are quorate with just their own votes; returns how many seconds that took."""
    wanted = list(lab.nodes if nodes is None else nodes)
    began_s = time.monotonic()
    until(
        lambda: all(quorum(lab, node) == (True, len(wanted)) for node in wanted),
        timeout_s,
        f"{', '.join(wanted)} did not become quorate within {timeout_s:g} s",
        pause_s=0.05,
    )
    return time.monotonic() - began_s
