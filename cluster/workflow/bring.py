"""Bring what a node had before it joined into the cluster it is a member of now, as `import_plan.py` has it.

Reads this node's store before it gives way and writes into the cluster's once that is here; the plan is made again
then, from what the cluster has by now. What does not happen stays in the copy that joining made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from cluster.errors import Conflict, PeerError
from cluster.workflow.cleaning import Cleaning
from cluster.workflow.host import Host
from cluster.workflow.import_plan import STORAGE, ImportPlan, Taken, plan_import, taken

BATCH_BYTES = 512 << 10  # of one change; a message of the cluster carries a little less than 1 MiB
TRIES = 5


async def own_files(host: Host) -> dict[str, bytes]:
    """Everything of the node's store that may be content; nothing of a store as every new node has it."""
    if await host.store_is_pristine():
        return {}
    stored = {path: await host.store_read(path) for path in await host.store_paths()}
    return {path: one.data for path, one in stored.items() if one is not None}


async def what_is_taken(host: Host) -> Taken:
    """Of the store as it is; files that are secret are not told of."""
    return taken({path: data for path, data in (await own_files(host)).items() if not path.startswith("priv/")})


def as_plain(one: Taken) -> dict[str, object]:
    return {"files": dict(one.files), "storages": dict(one.storages), "guests": sorted(one.guests)}


def read_taken(data: object) -> Taken:
    """What a member says of itself, as a stranger's word. Raises PeerError."""
    try:
        return msgspec.convert(data, Taken)
    except msgspec.ValidationError as error:
        raise PeerError("The peer did not tell in a way this node understands what its cluster has.") from error


async def bring(host: Host, own: Mapping[str, bytes]) -> ImportPlan:
    """Raises NoQuorum, Conflict (others change the same all the time), StoreRefusal, OutcomeUnknown."""
    for tries_left in reversed(range(TRIES)):
        plan = plan_import(own, host.name, await what_is_taken(host))
        try:
            for batch in _batches(plan):
                await host.store_clean(batch)
            await _add_storages(host, plan)
            return plan
        except Conflict:
            if not tries_left:
                raise
    raise AssertionError("unreachable")


def _batches(plan: ImportPlan) -> Iterator[Cleaning]:
    """Each file must not be there yet."""
    batch: dict[str, bytes] = {}
    for path, data in plan.files.items():
        if sum(map(len, batch.values())) + len(data) > BATCH_BYTES:
            yield Cleaning(expected=dict.fromkeys(batch, ""), written=batch)
            batch = {}
        batch[path] = data
    if batch:
        yield Cleaning(expected=dict.fromkeys(batch, ""), written=batch)


async def _add_storages(host: Host, plan: ImportPlan) -> None:
    if not plan.storages:
        return
    stored = await host.store_read(STORAGE)
    before = stored.data.rstrip() + b"\n\n" if stored is not None and stored.data.strip() else b""
    expected = {STORAGE: stored.digest if stored is not None else ""}
    await host.store_clean(Cleaning(expected=expected, written={STORAGE: before + b"\n".join(plan.storages)}))
