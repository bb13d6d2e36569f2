"""What befalls a pretended cluster, drawn from its seed: nodes die and come back, daemons restart, the network splits.

The first minute is quiet. This node itself never dies; it may find itself alone for a while, and says so.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cluster.node.simulation.peer import SimulatedPeer
    from cluster.node.simulation.world import World

QUIET_S = 60.0
EVERY_S = (20.0, 70.0)
AWAY_S = (12.0, 45.0)
SPLIT_S = (10.0, 25.0)
WARNING = 4
NOTES = (
    "backup of /etc finished in 12 s", "security updates are available", "clock adjusted by 3 ms",
    "password of web-admin@pve changed", "certificate checked: 312 days left",
)  # fmt: skip


async def live(world: World, peers: list[SimulatedPeer], dice: random.Random) -> None:
    """For ever, one thing after another."""
    await asyncio.sleep(QUIET_S)
    while peers:
        await _happen(world, peers, dice)
        await asyncio.sleep(dice.uniform(*EVERY_S))


async def _happen(world: World, peers: list[SimulatedPeer], dice: random.Random) -> None:
    peer, drawn = dice.choice(peers), dice.random()
    if drawn < 0.4:
        peer.log(dice.choice(NOTES))
    elif drawn < 0.65 and len(peers) > 1:
        await _away(peer, dice, with_host=True)
    elif drawn < 0.8:
        await _away(peer, dice, with_host=False)
    elif drawn < 0.93 and len(peers) > 3:
        await _split(world, peers, dice)
    else:
        await world.fail_link(peer.node.node_id, dice.choice((0, 1)), dice.uniform(*AWAY_S))


async def _away(peer: SimulatedPeer, dice: random.Random, *, with_host: bool) -> None:
    await peer.die(with_host=with_host)
    await asyncio.sleep(dice.uniform(*AWAY_S))
    await peer.rise()


async def _split(world: World, peers: list[SimulatedPeer], dice: random.Random) -> None:
    """A few nodes on a side of their own; now and then most of them, so that this side stops writing."""
    few = max(1, len(peers) // 3)
    count = few if dice.random() < 0.8 else len(peers) - few
    world.network.split([[peer.node.node_id for peer in dice.sample(peers, count)]])
    await asyncio.sleep(dice.uniform(*SPLIT_S))
    world.network.heal()
