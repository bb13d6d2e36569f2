"""A member takes another node out of the cluster, dead or alive: the majority commits it, then the engine hears of it.

Synchronous and short, as Proxmox VE's. The order matters: the removed node's vote stops counting in the store while it
may still help to decide that; only then is it ended, and every engine told. What it would mean beforehand is
`removal_plan.py`; a node that leaves by itself is `leave.py`.
"""

from __future__ import annotations

from cluster.corosync import conf, names
from cluster.errors import Conflict, NoQuorum, NotInCluster, Unavailable
from cluster.workflow import waiting
from cluster.workflow.add_node import CONFIGURATION, Additions
from cluster.workflow.clock import Clock
from cluster.workflow.host import Host
from cluster.workflow.removal_plan import RemovalPlan, check_plan, plan_removal

GOES_BY_ITSELF_S = 2.0


async def read_plan(host: Host, node: str) -> RemovalPlan:
    """Raises InvalidInput, NotInCluster, NotFound."""
    name = names.node_name(node)
    stored = await host.store_read(CONFIGURATION)
    if stored is None:
        raise NotInCluster("This node is not in a cluster.")
    return plan_removal(conf.parse(stored.data).nodes(), await host.online_nodes(), name)


async def remove_node(host: Host, additions: Additions, clock: Clock, node: str, user: str) -> tuple[str, ...]:
    """Take `node` out; returns what is worth knowing afterwards, as sentences. Raises InvalidInput, NotInCluster,
    NotFound, Conflict, NoQuorum, Busy, OutcomeUnknown, Unavailable."""
    name = names.node_name(node)
    async with additions.in_turn():
        stored = await host.store_read(CONFIGURATION)
        if stored is None:
            raise NotInCluster("This node is not in a cluster.")
        if name == host.name:
            raise Conflict(f"{name} is the node you are asking. Remove it from another node, or let it leave.")
        document = conf.parse(stored.data)
        plan_removal(document.nodes(), (), name)  # is there such a node?
        state = await waiting.settled(host, clock)
        if not state.writable:
            raise NoQuorum(f"{name} cannot be removed now: {state.reason or 'the cluster has no quorum'}")
        plan = plan_removal(document.nodes(), await host.online_nodes(), name)
        check_plan(plan)
        changed = conf.render(conf.remove_node(document, name)).encode()
        await host.check_configuration(changed)
        await host.commit_removal(changed, stored.digest, plan.node_id)
        warnings = await _tell_engines(host, plan, clock)
        additions.forget(name)
        await host.cluster_log(f"deleting node {name} from cluster, by {user}")
        return warnings


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
