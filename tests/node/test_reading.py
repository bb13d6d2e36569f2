"""Waiting for the newest state, and for a state this node has not reached yet, asked of a real daemon."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cluster.control.requests import StorePoint
from cluster.core.events import ViewLost
from cluster.errors import NoQuorum, Unavailable
from cluster.node import driver as drivers
from cluster.node.handlers import store
from tests.node.alone import Alone, alone


async def test_a_point_grows_with_every_change_and_is_waited_for(tmp_path: Path) -> None:
    async with alone(tmp_path / "alpha") as node:
        before = await node.ask(StorePoint())
        await node.write("datacenter.cfg", "keyboard: de\n")
        after = await node.ask(StorePoint(consistent=True))
        name, _, place = after["point"].partition("-")
        assert place == f"{after['revision'][0]}.{after['revision'][1]}" and name == before["point"].partition("-")[0]
        assert after["revision"] > before["revision"] and (after["stale"], after["reason"]) == (False, "")
        assert await node.ask(StorePoint(after["point"])) == after

        ahead = f"{name}-{after['revision'][0]}.{after['revision'][1] + 1}"
        waiting = asyncio.ensure_future(node.ask(StorePoint(ahead)))
        await asyncio.sleep(0)
        assert not waiting.done()
        await node.write("datacenter.cfg", "keyboard: fr\n")
        assert (await waiting)["point"] == ahead


async def test_a_node_that_stays_behind_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "CATCH_UP_S", 0.01)
    async with alone(tmp_path / "alpha") as node:
        told = await node.ask(StorePoint())
        name, index = told["point"].partition("-")[0], told["revision"][1]
        with pytest.raises(Unavailable, match="has not caught up"):
            await node.ask(StorePoint(f"{name}-9999999999.{index + 1}"))


@pytest.mark.parametrize("point", ["0badcafe-1.99999", "nonsense", "-", "x" * 64, "1-1"])
async def test_a_point_of_another_store_binds_nobody(tmp_path: Path, point: str) -> None:
    async with alone(tmp_path / "alpha") as node:
        assert (await node.ask(StorePoint(point)))["point"] != point


async def lose_the_engine(node: Alone) -> None:
    node.daemon.life.driver.feed(ViewLost("corosync has stopped."))


async def test_without_a_majority_nobody_is_told_that_this_is_the_newest(tmp_path: Path) -> None:
    async with alone(tmp_path / "alpha") as node:
        await lose_the_engine(node)
        with pytest.raises(NoQuorum, match="corosync has stopped"):
            await node.ask(StorePoint(consistent=True))
        told = await node.ask(StorePoint())
        assert (told["stale"], told["reason"]) == (True, "corosync has stopped.")


async def test_a_reader_waits_for_a_bounded_time_and_is_forgotten(tmp_path: Path) -> None:
    async with alone(tmp_path / "alpha") as node:
        driver = node.daemon.life.driver
        driver.replica.phase = drivers.Phase.INSTALLED  # the nodes are agreeing, and never end
        with pytest.raises(Unavailable, match="majority has not confirmed"):
            await driver.barrier(timeout_s=0.01)
        assert not driver.replica.reads
        driver.replica.phase = drivers.Phase.ACTIVE
        await driver.barrier()


async def test_a_reader_who_waits_when_the_store_changes_hands_is_told(tmp_path: Path) -> None:
    async with alone(tmp_path / "alpha") as node:
        driver = node.daemon.life.driver
        driver.replica.phase = drivers.Phase.INSTALLED
        waiting = asyncio.ensure_future(driver.barrier())
        await asyncio.sleep(0)
        driver.replica.phase = drivers.Phase.ACTIVE
        await driver.close()
        with pytest.raises(Unavailable, match="changed hands"):
            await waiting
