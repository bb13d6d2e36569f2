"""A node's sample in the fields the API has for it. Figures a sample lacks are left out, never invented.

The names on the right are the daemon's metrics (`cluster/node/samplers.py`, `rates.py`).
"""

from __future__ import annotations

from typing import Any

from cluster.model import NodeState

# field: metric, for /nodes and /cluster/resources
ALWAYS = {"maxcpu": "maxcpu", "maxmem": "memtotal", "maxdisk": "roottotal"}
WHILE_ONLINE = {"mem": "memused", "disk": "rootused", "uptime": "uptime"}

# group: {field: metric}, for /nodes/{node}/status
GROUPS = {
    "memory": {"total": "memtotal", "used": "memused", "free": "memfree", "available": "memavailable"},
    "swap": {"total": "swaptotal", "used": "swapused", "free": "swapfree"},
    "rootfs": {"total": "roottotal", "used": "rootused", "avail": "rootavail"},
}
LOADS = ("loadavg1", "loadavg5", "loadavg15")


def node_figures(node: NodeState) -> dict[str, Any]:
    """Numbers for a row of a list of nodes."""
    values = node.sample.values if node.sample else {}
    chosen = ALWAYS | WHILE_ONLINE if node.online else ALWAYS
    row: dict[str, Any] = {field: int(values[metric]) for field, metric in chosen.items() if metric in values}
    if node.online and "cpu" in values:
        row["cpu"] = values["cpu"]
    return row


def status_figures(node: NodeState) -> dict[str, Any]:
    """Numbers for a node's own status page. Load averages are texts there, as clients expect."""
    values = node.sample.values if node.sample else {}
    found: dict[str, Any] = {"uptime": int(values.get("uptime", 0)), "idle": 0}
    found |= {name: values[name] for name in ("cpu", "wait") if name in values}
    if all(name in values for name in LOADS):
        found["loadavg"] = [f"{values[name]:.2f}" for name in LOADS]
    for group, fields in GROUPS.items():
        found[group] = {field: int(values[metric]) for field, metric in fields.items() if metric in values}
    root = found["rootfs"]
    if "total" in root and "used" in root:
        root["free"] = root["total"] - root["used"]
    return found
