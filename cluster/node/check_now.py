"""`pvecm check` at any time: this node by itself, and for a member the others and the ways to them as they are now.

Looks, asks and hands over; what it means is `cluster/core/preflight.py` and `cluster/workflow/preflight.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from cluster.core import preflight as judge
from cluster.core.findings import Finding, finding
from cluster.core.survey import UDP_PORT, NodeFacts, Way
from cluster.errors import Busy, Unavailable
from cluster.node import disk_findings
from cluster.node.surveys import Surveys
from cluster.workflow.check_together import alone, ways_to_sites
from cluster.workflow.preflight import inspect_now

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

WITHIN_S = 6.0  # members have nothing to measure; whoever asks waits ten seconds


async def check_now(node: Daemon, surveys: Surveys) -> list[Finding]:
    found = await inspect_now(node.host)
    found += await asyncio.to_thread(disk_findings.findings, node.options.store, node.health.trouble)
    if node.document() is None:
        found += judge.about_leftovers(await surveys.surveyor.leftovers())
        facts = await surveys.surveyor.facts({0: node.options.address}, [node.options.name])
        return [*found, *_without_space(facts), *judge.about_versions([facts]), *judge.about_processors([facts])]
    return [*found, *await _member(node, surveys)]


def _without_space(facts: NodeFacts) -> list[Finding]:
    return [each for each in alone(facts) if each.code != "space"]  # this node's disk was looked at more closely


async def _member(node: Daemon, surveys: Surveys) -> list[Finding]:
    try:
        said = (await surveys.ask(within_s=WITHIN_S)).nodes
    except (Busy, Unavailable) as error:
        return [Finding("members", "warning", error.message)]
    own_name = node.options.name
    everyone = [each.facts for each in said]
    own_apart_s = next((each.apart_s for each in said if each.facts.name == own_name), 0.0)
    apart_s = [(each.facts.name, each.apart_s - own_apart_s) for each in said if each.facts.name != own_name]
    own = next((each for each in everyone if each.name == own_name), None)
    found = judge.about_ways(await _ways(node, surveys))
    found += [*judge.about_mtus(everyone), *judge.about_clocks(apart_s)]
    found += [*judge.about_names(everyone), *judge.about_versions(everyone), *judge.about_processors(everyone)]
    found += [each for each in _without_space(own) if each.code != "mtu"] if own is not None else []
    document = node.document()
    configured = [one.name for one in document.nodes()] if document is not None else []
    silent = [name for name in configured if name not in {one.name for one in everyone}]
    found += [finding("member", "warning", f"{name} did not answer.", name) for name in silent]
    others = (one for one in everyone if one.name != own_name)
    return found + [each for one in others for each in alone(one) if each.severity in ("warning", "error")]


async def _ways(node: Daemon, surveys: Surveys) -> list[Way]:
    """What the engine measures on its links, and whether every site can be reached."""
    document, own_name = node.document(), node.options.name
    names: Mapping[int, str] = {one.node_id: one.name for one in document.nodes()} if document is not None else {}
    ways = [
        Way(own_name, names[link.peer_node_id], link.link, "udp", UDP_PORT + link.link, link.connected,
            link.latency_us / 1000 if link.connected and link.latency_us is not None else None)
        for link in (await node.host.engine_status()).links if link.peer_node_id in names
    ]  # fmt: skip
    state = node.publisher.state
    sites = {one.name: one.address for one in state.nodes if one.address and not one.local} if state else {}
    return ways + await ways_to_sites(surveys.surveyor, own_name, node.options.port, sites)
