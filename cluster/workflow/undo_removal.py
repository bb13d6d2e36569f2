"""Takes a removal back, within a day: the node is listed again, and what named it is as it was.

The tombstone says who it was. A file that somebody changed since is left alone, and told. The machine itself comes back
by itself: it asks the members whether it may, and is given the key that counts now (`cluster/node/homecoming.py`).
"""

from __future__ import annotations

from msgspec.structs import replace

from cluster.corosync import conf, names
from cluster.errors import Conflict, NoQuorum, NotFound, NotInCluster
from cluster.workflow import tombstone, waiting, witness_rule
from cluster.workflow.add_node import CONFIGURATION, Additions
from cluster.workflow.cleaning import Cleaning
from cluster.workflow.clock import Clock
from cluster.workflow.engines import finish_earlier
from cluster.workflow.foretelling import Foretold
from cluster.workflow.host import Host


async def removed_nodes(host: Host) -> list[tombstone.Stone]:
    """Who was taken out or left and is no member now, newest first, as far as the tree remembers."""
    configuration = await host.store_read(CONFIGURATION)
    members = {node.name for node in conf.parse(configuration.data).nodes()} if configuration is not None else set()
    paths = [path for path in await host.store_paths() if path.startswith(f"{tombstone.ROOT}/")]
    stored = [await host.store_read(path) for path in paths if path.endswith("/stone.json") and path.count("/") == 3]
    stones = [stone for one in stored if one and (stone := tombstone.read(one.data)).name not in members]
    return sorted(stones, key=lambda stone: -stone.time_s)


async def undo_removal(host: Host, additions: Additions, clock: Clock, node: str, user: str) -> tuple[str, ...]:
    """Returns what could not be put back, as sentences. Raises InvalidInput, NotInCluster, NotFound, Conflict,
    NoQuorum, Busy, OutcomeUnknown."""
    name = names.node_name(node)
    async with additions.in_turn():
        stored = await host.store_read(CONFIGURATION)
        if stored is None:
            raise NotInCluster("This node is not in a cluster.")
        if conf.parse(stored.data).node(name) is not None:
            await finish_earlier(host)
        changed, cleaning, warnings = await _prepared(host, clock, name, stored.data)
        await host.store_clean(cleaning.beside(CONFIGURATION, stored.digest, changed))  # all of it, or nothing
        await host.activate_configuration()
        await host.cluster_log(f"removal of node {name} taken back, by {user}")
        return warnings


async def foretell_undo(host: Host, clock: Clock, node: str) -> Foretold:
    """As far as `undo_removal` goes before it changes anything. Raises InvalidInput, NotInCluster."""
    name = names.node_name(node)
    stored = await host.store_read(CONFIGURATION)
    if stored is None:
        raise NotInCluster("This node is not in a cluster.")
    try:
        _, cleaning, warnings = await _prepared(host, clock, name, stored.data)
    except (NotFound, Conflict, NoQuorum) as error:
        return Foretold((), obstacle=error.message)
    files = [path for path in cleaning.written if not path.startswith(f"{tombstone.ROOT}/")]
    steps = [f"Put {len(cleaning.moved)} files of {name}'s folder back.", *(f"Put {path} back." for path in files)]
    return Foretold((*steps, f"List {name} in corosync.conf again."), warnings)


async def _prepared(
    host: Host, clock: Clock, name: str, configuration: bytes
) -> tuple[bytes, Cleaning, tuple[str, ...]]:
    """The new corosync.conf, what goes back, and what cannot. Raises what `undo_removal` raises."""
    document = conf.parse(configuration)
    stone = await _stone(host, name)
    _check_may(document, stone, clock.unix_s())
    state = await waiting.settled(host, clock)
    if not state.writable:
        raise NoQuorum(f"The removal of {name} cannot be taken back now: {state.reason}")
    changed = conf.render(await witness_rule.fit(host, conf.add_node(document, stone.node))).encode()
    await host.check_configuration(changed)
    return (changed, *await back(host, stone))


async def _stone(host: Host, name: str) -> tombstone.Stone:
    stored = await host.store_read(tombstone.stone_path(name))
    if stored is None:
        raise NotFound(f"No node named {name} was removed from this cluster.")
    return tombstone.read(stored.data)


def _check_may(document: conf.Document, stone: tombstone.Stone, now_s: float) -> None:
    name = stone.name
    for node in document.nodes():
        if node.name == name:
            raise Conflict(f"{name} is part of the cluster; there is nothing to take back.")
        if node.node_id == stone.node_id:
            raise Conflict(f"{node.name} has the id {stone.node_id} of {name} by now. Let {name} join again.")
    if stone.left:
        raise Conflict(f"{name} left by itself and stands alone; let it join again.")
    if not stone.may_be_undone(now_s):
        raise Conflict(f"{name} was removed more than a day ago. Let it leave on its own page, then join again.")


async def back(host: Host, stone: tombstone.Stone) -> tuple[Cleaning, tuple[str, ...]]:
    """The folder back to its place, and every cleaned file that is still as it was left. The copy of a file that cannot
    be put back stays; of the rest only the stone does."""
    paths = await host.store_paths()
    base = tombstone.folder(stone.name)
    archive = f"{base}/node/"
    moved = tuple((path, tombstone.former(path, stone.name)) for path in paths if path.startswith(archive))
    written: dict[str, bytes] = {tombstone.stone_path(stone.name): tombstone.write(replace(stone, reinstated=True))}
    expected, warnings, gone = {}, [], [f"{base}/node"]
    for path, digest in stone.cleaned.items():
        copy = tombstone.copied(path, stone.name)
        present, before = await host.store_read(path), await host.store_read(copy)
        if present is None or present.digest != digest or before is None:
            warnings.append(
                f"{path} was changed since; it is left as it is. What named {stone.name} is in its history."
            )
            continue
        written[path], expected[path] = before.data, digest
        gone.append(copy)
    if not warnings:
        gone.append(f"{base}/before")
    return Cleaning(expected, moved, written, tuple(gone)), tuple(warnings)
