"""Waiting for the engine to be quorate and for the store to be synchronised: bounded, and saying what is missing.

The reason is looked for in what the engine measures of each link; when it changes, the task's log says so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from cluster.core.operations import digest_of
from cluster.engine.base import EngineStatus
from cluster.errors import Unavailable
from cluster.model import Node, StoreState
from cluster.workflow.clock import Clock
from cluster.workflow.host import Host
from cluster.workflow.steps import Run
from cluster.workflow.tombstone import KEY, KEY_ACTIVE, KEY_DUE

POLL_S = 0.1
SAY_EVERY_S = 2.0  # a reason that flickers is not repeated faster than this
LINKS_NAMED_MAX = 3
SETTLED_S = 3.0
KEY_S = 5.0


async def until_quorate(host: Host, nodes: Sequence[Node], run: Run, clock: Clock, timeout_s: float) -> None:
    """Raises Unavailable with the reason after `timeout_s`."""

    async def missing() -> str:
        return why_not_quorate(await host.engine_status(), nodes, host.name)

    await _until("quorum", missing, run, clock, timeout_s)


async def until_synchronised(host: Host, run: Run, clock: Clock, timeout_s: float) -> None:
    """Until this node's store has what the cluster has and can be written. Raises Unavailable after `timeout_s`."""

    async def missing() -> str:
        state = await host.store_state()
        return "" if state.writable else state.reason or "the store is not synchronised yet"

    await _until("the store", missing, run, clock, timeout_s)


async def settled(host: Host, clock: Clock, timeout_s: float = SETTLED_S) -> StoreState:
    """The store's state once it can be written, or after a moment: members that come and go make it pause shortly."""
    end_s = clock.monotonic_s() + timeout_s
    while not (state := await host.store_state()).writable and clock.monotonic_s() < end_s:
        await clock.sleep(POLL_S)
    return state


async def key_at_rest(host: Host, nodes: Sequence[Node], clock: Clock, timeout_s: float = KEY_S) -> None:
    """Until no new corosync key is on its way, or for a moment: one that waits for a node that is away waits for long.
    Who came with the key of before would be shut out by those who use the new one."""
    end_s = clock.monotonic_s() + timeout_s
    while await _key_changes(host, nodes) and clock.monotonic_s() < end_s:
        await clock.sleep(POLL_S)


async def _key_changes(host: Host, nodes: Sequence[Node]) -> bool:
    due, key, active = [await host.store_read(path) for path in (KEY_DUE, KEY, KEY_ACTIVE)]
    if due is None and (key is None or (active is not None and active.data == digest_of(key.data).encode())):
        return False
    return {node.name for node in nodes} <= await host.online_nodes()


def why_not_quorate(status: EngineStatus, nodes: Sequence[Node], own_name: str) -> str:
    """What quorum is waiting for, in words; empty when it is there."""
    if not status.running:
        return "the engine does not run"
    if status.quorum is not None and status.quorum.quorate:
        return ""
    silent = _silent_links(status, nodes, own_name)
    if silent:
        named = [f"no answer from {address} on link {link} yet" for address, link in silent[:LINKS_NAMED_MAX]]
        more = len(silent) - LINKS_NAMED_MAX
        return "; ".join([*named, *([f"and {more} more"] if more > 0 else [])])
    if status.quorum is None:
        return "the engine has not agreed on a membership yet"
    absent = ", ".join(node.name for node in nodes if node.node_id not in status.nodes)
    votes = f"{status.quorum.total_votes} of {status.quorum.quorum} needed votes present"
    return f"{votes}; not here: {absent}" if absent else votes


def _silent_links(status: EngineStatus, nodes: Sequence[Node], own_name: str) -> list[tuple[str, int]]:
    """(address, link) of every link to another node that the engine knows and has no answer on."""
    addresses = {(node.node_id, link.number): link.address for node in nodes for link in node.links}
    own = {node.node_id for node in nodes if node.name == own_name}
    return [
        (addresses[link.peer_node_id, link.link], link.link)
        for link in status.links
        if not link.connected and link.peer_node_id not in own and (link.peer_node_id, link.link) in addresses
    ]


async def _until(what: str, missing: Callable[[], Awaitable[str]], run: Run, clock: Clock, timeout_s: float) -> None:
    end_s = clock.monotonic_s() + timeout_s
    said, say_again_s = "", clock.monotonic_s() + SAY_EVERY_S
    while reason := await missing():
        now_s = clock.monotonic_s()
        if now_s >= end_s:
            raise Unavailable(f"waited {timeout_s:g} s for {what}: {reason}")
        if reason != said and now_s >= say_again_s:
            run.say(f"Waiting for {what}: {reason}")
            said, say_again_s = reason, now_s + SAY_EVERY_S
        await clock.sleep(POLL_S)
