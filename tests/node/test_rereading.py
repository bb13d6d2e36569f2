"""An engine that nobody had read the committed configuration reads it all the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

from cluster.errors import Unavailable
from cluster.node.life import Life
from cluster.node.rereading import AGAIN_S, PATIENCE_S, Rereading


@dataclass
class Engine:
    version: int = 1
    reads: bool = True
    reloads: list[float] = field(default_factory=list)
    now_s: float = 0.0

    async def config_version(self) -> int:
        return self.version

    async def reload(self) -> None:
        self.reloads.append(self.now_s)
        if not self.reads:
            raise Unavailable("corosync is busy")
        self.version = 7


def alpha(engine: Engine, name: str = "alpha", committed: int = 7) -> Rereading:
    document = SimpleNamespace(config_version=committed, node=lambda asked: "it" if asked == "alpha" else None)
    life = SimpleNamespace(is_open=True, document=lambda: document, connection=SimpleNamespace(engine=engine))
    return Rereading(name, cast(Life, life), lambda: engine.now_s)


async def looks(watch: Rereading, engine: Engine, *times_s: float) -> list[float]:
    for engine.now_s in times_s:
        await watch.look()
    return engine.reloads


async def test_an_engine_that_stays_behind_reads_the_configuration_after_a_while() -> None:
    engine = Engine()
    assert await looks(alpha(engine), engine, 0, PATIENCE_S - 1, PATIENCE_S, PATIENCE_S + 5, 500) == [PATIENCE_S]


async def test_whoever_made_the_change_is_given_time() -> None:
    engine = Engine(version=6)
    watch = alpha(engine)
    await looks(watch, engine, 0, PATIENCE_S - 1)
    engine.version = 7
    assert await looks(watch, engine, PATIENCE_S, 500) == []


async def test_an_engine_that_will_not_read_it_is_asked_seldom() -> None:
    engine = Engine(reads=False)
    at_s = [PATIENCE_S, PATIENCE_S + 5, PATIENCE_S + AGAIN_S]
    assert await looks(alpha(engine), engine, 0, *at_s) == [at_s[0], at_s[2]]


async def test_a_node_that_was_taken_out_and_an_engine_that_says_nothing_are_left_alone() -> None:
    for engine, name in ((Engine(), "beta"), (Engine(version=0), "alpha"), (Engine(version=9), "alpha")):
        assert await looks(alpha(engine, name), engine, 0, 100, 200) == []
