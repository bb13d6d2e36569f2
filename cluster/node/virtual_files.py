"""The virtual files of the mount, as text: `.version .members .vmlist .clusterlog .rrd .debug` (pmxcfs.md §3.5).

Pure functions of what is handed in. Programs read these with a JSON parser; layout and spelling are pmxcfs's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from cluster.core.tree import Tree
from cluster.model import ClusterState, Sample

LOG_ROWS_MAX = 50

# The paths whose changes clients count on (reference §2.5), in pmxcfs's order.
OBSERVED = (
    "corosync.conf", "corosync.conf.new", "storage.cfg", "user.cfg", "domains.cfg", "notifications.cfg",
    "priv/notifications.cfg", "priv/shadow.cfg", "priv/acme/plugins.cfg", "priv/tfa.cfg", "priv/token.cfg",
    "priv/wg-keys.cfg", "datacenter.cfg", "vzdump.cron", "vzdump.conf", "jobs.cfg", "ha/crm_commands",
    "ha/manager_status", "ha/resources.cfg", "ha/rules.cfg", "ha/groups.cfg", "ha/fence.cfg", "status.cfg",
    "replication.cfg", "ceph.conf", "sdn/vnets.cfg", "sdn/zones.cfg", "sdn/controllers.cfg", "sdn/subnets.cfg",
    "sdn/ipams.cfg", "sdn/mac-cache.json", "sdn/pve-ipam-state.json", "sdn/dns.cfg", "sdn/fabrics.cfg",
    "sdn/route-maps.cfg", "sdn/prefix-lists.cfg", "sdn/.running-config", "virtual-guest/cpu-models.conf",
    "virtual-guest/profiles.cfg", "firewall/cluster.fw", "mapping/directory.cfg", "mapping/pci.cfg",
    "mapping/usb.cfg",
)  # fmt: skip


def members(state: ClusterState, version: int) -> bytes:
    """`.members`: who is in the cluster and online; on a stand-alone node its name alone."""
    shown: dict[str, Any] = {"nodename": state.local_node, "version": version}
    if state.in_cluster:
        quorate = int(state.quorum.quorate) if state.quorum is not None else 0
        shown["cluster"] = {
            "name": state.name,
            "version": state.config_version,
            "nodes": len(state.nodes),
            "quorate": quorate,
        }
        shown["nodelist"] = {
            node.name: {"id": node.node_id, "online": int(bool(node.online))}
            | ({"ip": node.address} if node.address else {})
            for node in state.nodes
        }
    return _text(shown)


def version(
    started_s: int, cluster_version: int, guest_version: int, observed: dict[str, int], keys: dict[str, dict[str, int]]
) -> bytes:
    """`.version`: counters that rise when what they are named for changes. `keys`: node → its status' keys."""
    shown: dict[str, Any] = {"starttime": started_s, "clinfo": cluster_version, "vmlist": guest_version}
    shown.update((path, observed.get(path, 0)) for path in OBSERVED)
    shown["kvstore"] = keys
    return _text(shown)


def guests(tree: Tree, guest_version: int) -> bytes:
    """`.vmlist`: every guest by id, and the store's version that wrote its configuration last."""
    ids = {
        str(guest_id): {"node": guest.node, "type": guest.kind, "version": tree.entries[guest.inode].version}
        for guest_id, guest in sorted(tree.guests.items())
    }
    shown: dict[str, Any] = {"version": guest_version}
    return _text({**shown, "ids": ids} if ids else shown)


def cluster_log(lines: list[dict[str, Any]]) -> bytes:
    """`.clusterlog`: the newest entries first, at most fifty."""
    return _text({"data": lines[:LOG_ROWS_MAX]})


def samples(named: dict[str, Sample], said: Iterable[tuple[str, str]], now_s: float) -> bytes:
    """`.rrd`: one line per node with a sample of the last five minutes, `U` for what was not measured; then what
    programs `said` of their own."""
    keys = ("uptime", "loadavg", "maxcpu", "cpu", "iowait", "memtotal", "memused", "swaptotal", "swapused",
            "roottotal", "rootused", "netin", "netout")  # fmt: skip
    lines = []
    for name, sample in sorted(named.items()):
        if now_s - sample.time_s <= 300:
            values = [str(sample.values[key]) if key in sample.values else "U" for key in keys]
            lines.append(f"pve2-node/{name}:{values[0]}::{int(sample.time_s)}:{':'.join(values[1:])}\n")
    lines += [f"{key}:{value}\n" for key, value in said]
    return "".join(lines).encode()


def debug(on: bool) -> bytes:
    return b"1\n" if on else b"0\n"


def _text(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=0, ensure_ascii=True).encode() + b"\n"
