"""What stands against making this node part of a cluster, found before anything is touched.

This node's own state, as `Host` tells it; what nodes see of each other is `check_together.py`. All findings are
collected, then told together. `force` turns errors about this node's state into warnings, as Proxmox VE does, but never
what could not work: an address no other node can use.
What is malformed never gets here: `plan` functions in `create.py` and `join.py` refuse it at the door.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Literal

from cluster.core.findings import Finding, Fix
from cluster.errors import Conflict
from cluster.model import Link
from cluster.workflow.host import Host
from cluster.workflow.references import guests_in
from cluster.workflow.steps import Run

KEY_BYTES_MIN, KEY_BYTES_MAX = 128, 4096  # corosync takes 1024 to 32768 bits
CHOOSE: Fix = "choose-address"


async def inspect_create(host: Host, links: Iterable[Link]) -> list[Finding]:
    """Before a stand-alone node founds a cluster."""
    return [*await _membership(host), *await _engine(host), *await _old_configuration(host), *await _links(host, links)]


async def inspect_join(host: Host, links: Iterable[Link]) -> list[Finding]:
    """Before a node gives up its own store for a cluster's."""
    links = tuple(links)
    found = [*await _membership(host), *await _engine(host), *await _key(host), *await _old_configuration(host)]
    found += await _content(host)
    # Without links the node's own address becomes its link.
    return [*found, *await _links(host, links or (Link(0, host.address),))]


async def inspect_now(host: Host) -> list[Finding]:
    """At any time: is this node fit to become a member, or a member in order? What is in order is told as well."""
    if await host.configured_cluster():
        return [*await _member(host)]
    return await inspect_rows(host, (Link(0, host.address),), joins=True)


async def inspect_rows(host: Host, links: Iterable[Link], joins: bool) -> list[Finding]:
    """Before create, or before a join (`joins`): what stands against it, and a word where nothing does."""
    links = tuple(links)
    addresses = ", ".join(link.address for link in links)
    parts = {
        "membership": (await _membership(host), "This node is in no cluster."),
        "engine": (await _engine(host), "No engine runs that is not Quire's."),
        "key": (await _key(host) if joins else [], "There is no key in the way."),
        "configuration": (await _old_configuration(host), "There is no corosync.conf left of a former cluster."),
        "content": (await _content(host) if joins else [], "There is nothing here that would be replaced."),
        "link": (await _links(host, links), f"{addresses} can carry this node's links."),
    }
    return [
        each for code, (findings, sentence) in parts.items() for each in findings or [Finding(code, "ok", sentence)]
    ]


async def _member(host: Host) -> list[Finding]:
    engine, store = await host.engine_status(), await host.store_state()
    stored, local = await host.store_read("corosync.conf"), await host.read_local_configuration()
    quorate = engine.quorum is not None and engine.quorum.quorate
    silent = [f"node {link.peer_node_id} on link {link.link}" for link in engine.links if not link.connected]
    return [
        _told("engine", engine.running, "The engine runs.", "The engine does not run."),
        _told("quorum", quorate, "The cluster is quorate.", "The cluster has no quorum."),
        _told("store", store.writable, "The store can be written.", f"The store is read-only: {store.reason}"),
        _told("key", await host.read_local_key() is not None, "The key is there.", "The corosync key is missing."),
        _told(
            "configuration",
            stored is not None and stored.data == local,
            "corosync.conf on this disk is the cluster's.",
            "corosync.conf on this disk is not the cluster's.",
        ),
        _told("links", not silent, "Every link answers.", f"No answer from {', '.join(silent)}.", "warning"),
    ]


def _told(code: str, good: bool, yes: str, no: str, otherwise: Literal["error", "warning"] = "error") -> Finding:
    return Finding(code, "ok", yes) if good else Finding(code, otherwise, no)


def settle_findings(findings: list[Finding], run: Run, force: bool = False) -> None:
    """Tell all findings; raise Conflict when one forbids to go on."""
    forbidding = [f for f in findings if f.severity == "error" and (f.firm or not force)]
    for finding in findings:
        if finding not in forbidding:
            run.warn(finding.sentence)
    if not forbidding:
        return
    for finding in forbidding if len(forbidding) > 1 else ():
        run.say(f"* {finding.sentence}")
    more = f" ({len(forbidding) - 1} more above)" if len(forbidding) > 1 else ""
    raise Conflict(forbidding[0].sentence + more)


async def _membership(host: Host) -> list[Finding]:
    name = await host.configured_cluster()
    if not name:
        return []
    return [Finding("in-cluster", "error", f"This node is in the cluster {name} already.")]


async def _engine(host: Host) -> list[Finding]:
    if not (await host.engine_status()).running or await host.configured_cluster():
        return []
    sentence = (
        "corosync already runs on this node, with a configuration that is not Quire's. Stop it first "
        "(systemctl disable --now corosync)."
    )
    return [Finding("engine-running", "error", sentence)]


async def _key(host: Host) -> list[Finding]:
    if await host.read_local_key() is None:
        return []
    sentence = "This node already has a corosync key (authkey), perhaps of a cluster it was in before; remove it first."
    return [Finding("key-present", "error", sentence, fix="remove-leftovers")]


def is_packaged_sample(conf: bytes) -> bool:
    """The example that Debian's package installs; nobody has made a cluster with it."""
    return b"cluster_name: debian" in conf and b"Please read the corosync.conf.5 manual page" in conf


async def _old_configuration(host: Host) -> list[Finding]:
    present = await host.read_local_configuration()
    if present is None or is_packaged_sample(present) or await host.configured_cluster():
        return []
    sentence = "An older corosync.conf on this node, which is not Quire's, is replaced."
    return [Finding("configuration-present", "warning", sentence, fix="remove-leftovers")]


async def _content(host: Host) -> list[Finding]:
    guests = sorted(guests_in(await host.store_paths()))
    if guests:
        some = ", ".join(map(str, guests[:5])) + (" …" if len(guests) > 5 else "")
        sentence = f"This node has guests ({some}); their ids could collide. Bring its own configuration along"
        return [Finding("guests-present", "error", f"{sentence}: where the cluster has an id, they get another.")]
    if not await host.store_is_pristine():
        sentence = "This node's own configuration files give way to the cluster's; a copy of them is kept."
        return [Finding("content-replaced", "warning", sentence)]
    return []


async def _links(host: Host, links: Iterable[Link]) -> list[Finding]:
    local = await host.local_addresses()
    found: list[Finding] = []
    for link in links:
        resolved = await host.resolve(link.address)
        what = f"Link {link.number}: {link.address}"
        if not resolved:
            found.append(Finding("address-unknown", "error", f"{what} cannot be resolved.", True, fix=CHOOSE))
        elif host.engine_name == "corosync" and any(ipaddress.ip_address(one).is_loopback for one in resolved):
            sentence = f"{what} is a loopback address, which other nodes cannot reach."
            found.append(Finding("address-loopback", "error", sentence, True, fix=CHOOSE))
        elif not set(resolved) & set(local):
            sentence = f"{what} is not an address of this node."
            found.append(Finding("address-not-local", "error", sentence, fix=CHOOSE))
    return found
