"""Nodes that do not have the same tree at the same revision find out which of them is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from cluster.core.effects import Committed
from cluster.core.machine import Durable, Machine
from cluster.core.operations import Command, Mkdir, Remove, Write, encode_body
from cluster.core.snapshot import Snapshot
from cluster.core.tree import AnyOperation
from cluster.node import comparison
from cluster.node.board_messages import Compared
from cluster.node.comparison import Comparison, Digests
from tests.store.scribe import EPOCH

VOTES = {1: 1, 2: 1, 3: 1}


def machine() -> Machine:
    return Machine(Durable("lineage", 1, snapshot=Snapshot(electorate={1: 1})), lambda text: {})


def commit(one: Machine, *operations: AnyOperation) -> tuple[Committed, ...]:
    from cluster.core.effects import Effect, Keep

    name = f"request-{one.log.last.index}"
    one.log.append(EPOCH, encode_body(Command(name, 1, 1000, "alice@pve", "api", operations)))
    effects: list[Effect] = []
    one.commit({1: one.log.last.index}, effects)
    return tuple(each for effect in effects if isinstance(effect, Keep) for each in effect.committed)


def test_a_digest_kept_up_is_that_of_the_whole_tree() -> None:
    one, kept = machine(), Digests()
    kept.begin(one.tree, 0)
    steps: list[tuple[AnyOperation, ...]] = [
        (Mkdir("a"), Write("a/b", b"1")), (Write("a/b", b"2"), Write("c", b"3")), (Remove("c"),), (Remove("no"),),
        (Write("a/b", b"2"),),
    ]  # fmt: skip
    found = []
    for number, step in enumerate(steps, 1):
        for each in commit(one, *step):
            kept.add(each)
        anew = Digests()
        anew.begin(one.tree, number)
        assert kept.at(number) == anew.at(number)
        found.append(kept.at(number))
    assert [kept.at(number) for number in range(1, 6)] == found and len(set(found)) == 4  # one step was refused
    assert kept.at(0) is not None and Digests().at(0) is None


@dataclass
class Node:
    """One node's comparison, at the table with the others."""

    node_id: int
    table: Table
    reached: int = 7
    verdicts: list[tuple[str, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.comparison = Comparison(
            lambda: self.node_id, lambda: self.reached, lambda: VOTES, self.say, self.table.later,
            lambda sentence, alone: self.verdicts.append((sentence, alone)),
        )  # fmt: skip

    def has(self, *contents: bytes) -> None:
        one = machine()
        commit(one, *(Write(f"file-{number}", content) for number, content in enumerate(contents)))
        self.comparison.digests.begin(one.tree, 5)

    def say(self, message: Compared) -> None:
        for node in self.table.nodes:
            node.comparison.hear(self.node_id, message)


@dataclass
class Table:
    nodes: list[Node] = field(default_factory=list)
    timers: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def later(self, delay_s: float, call: Callable[[], None]) -> None:
        self.timers.append((delay_s, call))

    def pass_time(self) -> None:
        while self.timers:
            self.timers.sort(key=lambda timer: timer[0])
            self.timers.pop(0)[1]()


@pytest.fixture
def table() -> Table:
    made = Table()
    made.nodes = [Node(node_id, made) for node_id in VOTES]
    return made


def verdicts(table: Table) -> list[list[bool]]:
    table.nodes[0].comparison.ask()
    table.pass_time()
    return [[alone for _, alone in node.verdicts] for node in table.nodes]


def test_nodes_that_agree_hear_nothing(table: Table) -> None:
    for node in table.nodes:
        node.has(b"same")
    assert verdicts(table) == [[], [], []]


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_the_one_that_differs_from_a_majority_is_told(table: Table, wrong: int) -> None:
    for number, node in enumerate(table.nodes):
        node.has(b"forged" if number == wrong else b"same")
    assert verdicts(table) == [[True] if number == wrong else [] for number in range(3)]


def test_where_no_majority_agrees_all_stop(table: Table) -> None:
    for number, node in enumerate(table.nodes):
        node.has(b"%d" % number)
    assert verdicts(table) == [[False], [False], [False]]


def test_two_of_three_that_differ_know_no_majority(table: Table) -> None:
    table.nodes.pop()
    for number, node in enumerate(table.nodes):
        node.has(b"%d" % number)
    assert verdicts(table) == [[False], [False]]


def test_who_has_not_come_so_far_or_cannot_say_is_not_judged(table: Table) -> None:
    for number, node in enumerate(table.nodes):
        node.has(b"%d" % number)
    table.nodes[1].reached, table.nodes[2].reached = 6, -1
    assert verdicts(table) == [[], [], []]


def test_a_forged_counter_is_a_difference(table: Table) -> None:
    for node in table.nodes:
        node.has(b"same")
    one = machine()
    commit(one, Write("file-0", b"same"))
    one.tree.version += 1000
    table.nodes[2].comparison.digests.begin(one.tree, 5)
    assert verdicts(table) == [[], [], [True]]


def test_what_is_asked_without_end_is_bounded(table: Table) -> None:
    for index in range(1000):
        table.nodes[0].comparison.hear(2, Compared(index, b"x"))
    assert len(table.nodes[0].comparison._said) <= comparison.QUESTIONS_MAX
