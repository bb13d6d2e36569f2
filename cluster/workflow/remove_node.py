"""A member takes another node out of the cluster, dead or alive: the majority commits it, then the engine hears of it.

Short, as Proxmox VE's. The order matters: the removed node's vote stops counting in the store while it may still help
to decide that; only then is it ended, and every engine told. Whatever names the node is cleaned or archived in the same
change, which leaves a tombstone. What it would mean beforehand is `removal_plan.py`; a node that leaves by itself is
`leave.py`; the way back is `undo_removal.py`.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable
from dataclasses import replace

from cluster.corosync import conf, names
from cluster.errors import Conflict, NoQuorum, NotFound, NotInCluster, Unavailable
from cluster.model import Node
from cluster.workflow import references, tombstone, waiting, witness_rule
from cluster.workflow.add_node import CONFIGURATION, Additions
from cluster.workflow.cleaning import Cleaning
from cluster.workflow.clock import Clock
from cluster.workflow.engines import finish_earlier
from cluster.workflow.host import Host
from cluster.workflow.removal_plan import RemovalPlan, check_plan, order_of, plan_removal

GOES_BY_ITSELF_S = 2.0
Tell = Callable[[str], None]


async def read_plan(host: Host, node: str) -> RemovalPlan:
    """Raises InvalidInput, NotInCluster, NotFound."""
    name = names.node_name(node)
    stored = await host.store_read(CONFIGURATION)
    if stored is None:
        raise NotInCluster("This node is not in a cluster.")
    document = conf.parse(stored.data)
    await check_still_there(host, document, name)
    plan = plan_removal(document.nodes(), await host.online_nodes(), name)
    found = references.references(await naming_files(host), await host.store_paths(), name)
    kept = await host.store_read(witness_rule.PATH)
    rests = witness_rule.rests(witness_rule.decode(kept.data) if kept is not None else None, plan.after.nodes)
    plan = replace(plan, references=found, warnings=(*plan.warnings, *([rests] if rests else [])))
    return replace(plan, order=order_of(plan))


async def remove_node(
    host: Host, additions: Additions, clock: Clock, node: str, user: str, tell: Tell = lambda _: None
) -> tuple[str, ...]:
    """Take `node` out; returns what is worth knowing afterwards, as sentences. Raises InvalidInput, NotInCluster,
    NotFound, Conflict, NoQuorum, Busy, OutcomeUnknown, Unavailable. `tell` hears of each step once it is done."""
    name = names.node_name(node)
    async with additions.in_turn():
        stored = await host.store_read(CONFIGURATION)
        if stored is None:
            raise NotInCluster("This node is not in a cluster.")
        if name == host.name:
            raise Conflict(f"{name} is the node you are asking. Remove it from another node, or let it leave.")
        document = conf.parse(stored.data)
        if document.node(name) is None:
            await finish_earlier(host)
        await check_still_there(host, document, name)
        state = await waiting.settled(host, clock)
        if not state.writable:
            raise NoQuorum(f"{name} cannot be removed now: {state.reason or 'the cluster has no quorum'}")
        plan = plan_removal(document.nodes(), await host.online_nodes(), name)
        check_plan(plan)
        after = plan.after
        tell(f"Without {name} {after.present_votes} votes are present and {after.needed_votes} are needed: OK")
        changed = conf.render(await witness_rule.fit(host, conf.remove_node(document, name))).encode()
        await host.check_configuration(changed)
        entry = next(one for one in document.nodes() if one.name == name)
        await host.commit_removal(changed, stored.digest, plan.node_id, await farewell(host, clock, entry, user))
        tell("Take it out of the configuration, and clean up what named it: OK")
        warnings = await _tell_engines(host, plan, clock)
        tell("Have every node's engine read that: OK")
        additions.forget(name)
        await host.cluster_log(f"deleting node {name} from cluster, by {user}")
        return warnings


async def check_still_there(host: Host, document: conf.Document, name: str) -> None:
    """Raises NotFound; in plainer words for a node that was taken out before."""
    if document.node(name) is not None:
        return
    if await host.store_read(tombstone.stone_path(name)) is not None:
        raise NotFound(f"{name} is gone already: it is no part of the cluster any more. Nothing has to be done.")
    raise NotFound(f"No node named {name} is part of the cluster.")


async def naming_files(host: Host) -> dict[str, bytes]:
    """The files that may name a node, as far as there are any."""
    stored = {path: await host.store_read(path) for path in references.PATHS}
    return {path: one.data for path, one in stored.items() if one is not None}


async def farewell(host: Host, clock: Clock, node: Node, user: str, *, left: bool = False) -> Cleaning:
    """What is cleaned up when this node goes. A node that leaves by itself keeps its folder until it is gone."""
    certificate = await host.store_read(f"nodes/{node.name}/pve-ssl.pem")
    shown = _fingerprint(certificate.data) if certificate is not None else ""
    files = await naming_files(host)
    stone, fresh = tombstone.made(node, user, clock.unix_s(), shown, files, left=left)
    return tombstone.cleaning(stone, fresh, files, await host.store_paths(), archive=not left)


def _fingerprint(pem: bytes) -> str:
    """As nodes show it; empty for what is no certificate."""
    try:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.decode("ascii"))).digest().hex(":").upper()
    except ValueError:
        return ""


async def _tell_engines(host: Host, plan: RemovalPlan, clock: Clock) -> tuple[str, ...]:
    """The removal holds by now: what fails here is told, not raised. A node that hears of its removal goes by itself;
    one that does not is ended."""
    warnings = []
    end_s = clock.monotonic_s() + GOES_BY_ITSELF_S
    try:
        while plan.node_id in (await host.engine_status()).nodes and clock.monotonic_s() < end_s:
            await clock.sleep(waiting.POLL_S)
        if plan.node_id in (await host.engine_status()).nodes:
            await host.end_member(plan.node_id)
    except Unavailable as error:
        warnings.append(f"{plan.node} could not be ended: {error.message}")
    try:
        await host.activate_configuration()
    except Unavailable as error:
        warnings.append(f"The engine has not read the new configuration yet: {error.message}")
    return tuple(warnings)
