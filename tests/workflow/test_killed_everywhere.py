"""Create, join, removal and leaving, with the daemon of either side killed before and after everything it asks of its
host: computed from an undisturbed run, so that no new step can be forgotten. What real daemons make of the same is
`test_killed_daemon.py` and `test_leaving_daemons.py`."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from cluster.corosync import conf
from cluster.errors import Conflict, NotFound, TaskFailed, Unavailable
from cluster.workflow.fake_host import FakeHost, Killed
from cluster.workflow.host import Host
from cluster.workflow.leave import leave
from cluster.workflow.remove_node import remove_node
from cluster.workflow.tombstone import stone_path
from cluster.workflow.undo_removal import undo_removal
from tests.workflow.world import Story, World

PENDING_IS_OVER_S = 1000.0


class Mortal(FakeHost):
    """Dies where it is told to, counted in the moments before and after what is asked of it; counts them else."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.moments: list[str] = []
        self.dies_at: int | None = None

    def _failing(self, name: str, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        real = super()._failing(name, method)

        async def call(*arguments: Any, **named: Any) -> Any:
            self._pass(f"before {name}")
            result = await real(*arguments, **named)
            self._pass(f"after {name}")
            return result

        return call

    def _pass(self, moment: str) -> None:
        self.moments.append(moment)
        if self.dies_at is not None and len(self.moments) > self.dies_at:
            self.dies_at = None
            raise Killed

    def watch(self, dies_at: int | None) -> None:
        """From now on, count; and die at that moment."""
        self.moments, self.dies_at = [], dies_at


def listed(host: FakeHost) -> list[str]:
    text = host.disk.store.files.get("corosync.conf")
    return [node.name for node in conf.parse(text).nodes()] if text is not None else []


def whole(world: World, host: FakeHost) -> Any:
    """All that is on its disk, but for copies nobody knows of, which may lie in the folder of copies."""
    return world.without_version(host)[:-1]


class Flow:
    """Something people do, by whom it is cut short, and what must hold once that daemon runs again."""

    dying: ClassVar[str]

    async def prepare(self, world: World) -> None:
        """What there was before; a cluster of three unless said otherwise."""
        await world.three_nodes()

    async def act(self, world: World) -> None:
        raise NotImplementedError

    async def holds(self, world: World) -> None:
        """After the restart: as before, or complete; and trying again completes it."""
        raise NotImplementedError


class Creating(Flow):
    dying = "alpha"

    async def prepare(self, world: World) -> None:
        self.before = whole(world, world.alpha)

    async def act(self, world: World) -> None:
        await world.create(world.alpha)

    async def holds(self, world: World) -> None:
        if listed(world.alpha) == []:
            assert whole(world, world.alpha) == self.before and not world.alpha.engine_runs
            await world.create(world.alpha)
        assert listed(world.alpha) == ["alpha"] and world.alpha.engine_runs and world.alpha.disk.aside is None


class Joining(Flow):
    """beta joins and brings its own along; its daemon dies."""

    dying = "beta"

    async def prepare(self, world: World) -> None:
        await world.create(world.alpha)
        world.beta.disk.store.files["storage.cfg"] = b"dir: tank\n\tpath /tank\n"
        self.before = whole(world, world.alpha), whole(world, world.beta)

    async def act(self, world: World) -> None:
        await world.join(world.beta, world.alpha, brings=True)

    async def holds(self, world: World) -> None:
        world.beta.fail.clear()
        world.clock.now_s += PENDING_IS_OVER_S
        await world.additions["alpha"].check()
        if listed(world.alpha) == ["alpha"]:
            assert (whole(world, world.alpha), whole(world, world.beta)) == self.before
            assert not world.beta.engine_runs
            await self.act(world)
        assert listed(world.alpha) == listed(world.beta) == ["alpha", "beta"]
        assert world.beta.engine_runs and world.beta.disk.conf == world.alpha.disk.conf
        assert world.beta.disk.aside is None
        await world.beta.refresh_certificate()  # which the daemon does by itself where it is missing
        await world.additions["alpha"].check()
        assert world.additions["alpha"].pending == ()


class Adding(Joining):
    """The same; the daemon of the member dies that adds it."""

    dying = "alpha"

    async def holds(self, world: World) -> None:
        await world.restart(world.beta)  # it goes on telling the member that it gave up
        await super().holds(world)


class JoiningInVain(Joining):
    """The store does not come, so both sides take everything back; the joiner's daemon dies, perhaps while it does."""

    async def prepare(self, world: World) -> None:
        await super().prepare(world)
        world.beta.fail["store_state"] = Unavailable("no view")


class AddingInVain(JoiningInVain, Adding):
    dying = "alpha"


class Removing(Flow):
    """alpha takes gamma out, which is alive; alpha's daemon dies."""

    dying = "alpha"
    alive = True

    async def prepare(self, world: World) -> None:
        await world.three_nodes()
        await world.alpha.store_write_all({"storage.cfg": b"dir: tank\n\tnodes gamma\n"})
        world.gamma.engine_runs = self.alive

    async def act(self, world: World) -> None:
        await remove_node(world.alpha, world.additions["alpha"], world.clock, "gamma", "root@pam")

    async def holds(self, world: World) -> None:
        files = world.alpha.disk.store.files
        assert files == world.beta.disk.store.files
        gone = listed(world.alpha) == ["alpha", "beta"]
        assert gone or listed(world.alpha) == ["alpha", "beta", "gamma"]
        assert (stone_path("gamma") in files) is gone is (files["storage.cfg"] == b"")
        with contextlib.suppress(NotFound):  # "gone already"
            await self.act(world)
        assert listed(world.alpha) == listed(world.beta) == ["alpha", "beta"]
        assert stone_path("gamma") in files
        told = [call for call in world.alpha.calls if call in ("commit_removal", "activate_configuration")]
        assert told[-1] == "activate_configuration", "every engine knows"


class RemovingTheDead(Removing):
    alive = False


class BeingRemoved(Removing):
    """The host of the removed one goes dark at any moment of its removal: that is none of the others' business."""

    async def act(self, world: World) -> None:
        assert isinstance(world.alpha, Mortal)
        if world.alpha.dies_at is not None:
            at, world.alpha.dies_at = world.alpha.dies_at, None
            real = world.alpha._pass

            def dark(moment: str) -> None:
                real(moment)
                world.gamma.engine_runs = world.gamma.engine_runs and len(world.alpha.moments) <= at

            object.__setattr__(world.alpha, "_pass", dark)
        await super().act(world)


class TakingBack(Removing):
    """The removal is taken back; alpha's daemon dies."""

    async def prepare(self, world: World) -> None:
        await super().prepare(world)
        self.before = dict(world.alpha.disk.store.files)
        await super().act(world)

    async def act(self, world: World) -> None:
        await undo_removal(world.alpha, world.additions["alpha"], world.clock, "gamma", "root@pam")

    async def holds(self, world: World) -> None:
        files = world.alpha.disk.store.files
        back = listed(world.alpha) == ["alpha", "beta", "gamma"]
        assert back or listed(world.alpha) == ["alpha", "beta"]
        assert back is (files["storage.cfg"] == self.before["storage.cfg"])
        with contextlib.suppress(Conflict):  # "nothing to take back"
            await self.act(world)
        assert listed(world.alpha) == listed(world.beta) == ["alpha", "beta", "gamma"]
        assert all(files[path] == data for path, data in self.before.items() if path != "corosync.conf")
        told = [call for call in world.alpha.calls if call in ("store_clean", "activate_configuration")]
        assert told[-1] == "activate_configuration", "every engine knows"


class Leaving(Flow):
    """gamma leaves by itself; its daemon dies."""

    dying = "gamma"
    force = False

    async def act(self, world: World) -> None:
        await leave(world.gamma, self.force, world.journal(world.gamma), Story(), world.clock)

    async def holds(self, world: World) -> None:
        if listed(world.gamma):
            world.gamma.engine_runs = "gamma" in listed(world.gamma)  # its daemon starts it by itself
            assert world.gamma.disk.key is not None and world.gamma.disk.conf is not None
            await self.act(world)
        assert (listed(world.gamma), world.gamma.disk.key, world.gamma.disk.conf) == ([], None, None)
        assert not world.gamma.engine_runs and world.gamma.disk.aside is None
        assert listed(world.alpha) == (["alpha", "beta", "gamma"] if self.force else ["alpha", "beta"])


class Separating(Leaving):
    """gamma has lost the others, and goes by force."""

    force = True

    async def prepare(self, world: World) -> None:
        await super().prepare(world)
        world.alpha.engine_runs = world.beta.engine_runs = False


@pytest.fixture(autouse=True)
def no_disk_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of worlds: what survives a power cut is another test's."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


FLOWS = [Creating, Joining, Adding, JoiningInVain, AddingInVain, Removing, RemovingTheDead, BeingRemoved, TakingBack,
         Leaving, Separating]  # fmt: skip


@dataclass
class Stage:
    """Worlds of one flow, each in a folder of its own."""

    folder: Any
    numbers: Any = None

    async def run(self, flow: Flow, dies_at: int | None) -> tuple[World, list[str], bool]:
        """The world after it, the moments passed, and whether the daemon died."""
        self.numbers = self.numbers or itertools.count()
        folder = self.folder / str(next(self.numbers))
        folder.mkdir()
        world = World(folder, Mortal)
        await flow.prepare(world)
        host = getattr(world, flow.dying)
        host.watch(dies_at)
        died = await self.dies(world, flow.act(world))
        moments = list(host.moments)
        return world, moments, died or (dies_at is not None and host.dies_at is None)

    async def dies(self, world: World, doing: Awaitable[Any]) -> bool:
        return await world.killed(_told(doing))


def worth_dying_at(moments: list[str]) -> list[int]:
    """All of them, but for what is only asked again and again while something is waited for."""
    return [place for place, moment in enumerate(moments) if not moment == moments[place - 2] == moments[place - 4]]


async def _told(doing: Awaitable[Any]) -> None:
    """A task that failed has said so and taken back what it could."""
    with contextlib.suppress(TaskFailed):
        await doing


@pytest.mark.parametrize("kind", FLOWS, ids=lambda kind: kind.__name__)
async def test_killed_at_any_moment_it_ends_where_it_began_or_finishes_on_retry(kind, tmp_path):
    stage = Stage(tmp_path)
    _, moments, _ = await stage.run(kind(), None)
    assert len(moments) > 10
    for place in worth_dying_at(moments):
        flow, moment = kind(), moments[place]
        world, passed, died = await stage.run(flow, place)
        where = f"died at moment {place}, {moment}"
        assert passed[place] == moment and died, where
        try:
            await world.restart(getattr(world, flow.dying))
            await flow.holds(world)
            assert all(world.journal(host).read() is None for host in world.network.hosts)
        except BaseException as error:
            error.add_note(where)
            raise


@pytest.mark.parametrize("kind", [Creating, Joining, Leaving], ids=lambda kind: kind.__name__)
async def test_killed_once_more_while_the_restart_takes_it_back_the_next_one_finishes_that(kind, tmp_path):
    stage = Stage(tmp_path)
    _, moments, _ = await stage.run(kind(), None)
    for place in worth_dying_at(moments):
        for again in itertools.count():
            flow = kind()
            world, _, _ = await stage.run(flow, place)
            host = getattr(world, flow.dying)
            host.watch(again)
            died = await world.killed(world.restart(host))
            host.watch(None)
            try:
                await world.restart(host)
                await flow.holds(world)
            except BaseException as error:
                error.add_note(f"died at {moments[place]}, and at moment {again} of the restart")
                raise
            if not died:
                break


async def test_all_that_a_workflow_may_ask_of_its_host_is_met_by_a_death(tmp_path):
    stage, met = Stage(tmp_path), set()
    for kind in FLOWS:
        _, moments, _ = await stage.run(kind(), None)
        met |= {moment.removeprefix("after ") for moment in moments}
    asked = {name for name, member in vars(Host).items() if callable(member) and not name.startswith("_")}
    assert asked - met == set(), "a way of the host no flow here goes: add the flow that does"
