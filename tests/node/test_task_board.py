"""Recent tasks of all nodes: each speaks for itself, and what was said stays when it goes."""

from __future__ import annotations

from pathlib import Path

import msgspec

from cluster.model import TaskState
from cluster.node.board import Board
from cluster.node.board_messages import Working, WorkingTask
from cluster.node.task_board import TASKS_PER_NODE_MAX, TaskBoard
from cluster.node.tasks import TaskContext, TaskRunner

NAMES = {1: "alpha", 2: "beta"}


def upid(node: str, start: int = 0x68A1B6C3, type_: str = "clusterjoin") -> str:
    return f"UPID:{node}:00001267:075BCD15:{start:08X}:{type_}::root@pam:"


class Place:
    """alpha's task board, with what it said."""

    def __init__(self, folder: Path) -> None:
        self.said: list[Working] = []
        self.tasks = TaskRunner(folder, "alpha", lambda: 1000.0)
        self.board = Board(lambda: 0.0, lambda: None, lambda: None, lambda entries: None)
        self.news: list[TaskState] = []
        self.tasks_of_all = TaskBoard(self.tasks, self.board, self._say, NAMES.get, lambda: 1, self.news.append)

    def _say(self, payload: bytes) -> None:
        self.said.append(msgspec.msgpack.decode(payload, type=Working))

    def hear(self, node_id: int, *tasks: WorkingTask) -> None:
        self.board.working(node_id, Working(tasks))


async def test_a_task_s_beginning_and_end_are_said_and_its_steps_are_not(tmp_path: Path) -> None:
    place = Place(tmp_path)

    async def work(context: TaskContext) -> None:
        context.step("one", 0.1)
        context.log("a line")
        context.step("two", 0.2)

    started = place.tasks.start("clustercreate", "demo", "root@pam", work)
    await place.tasks.wait(started, 5)
    assert [[(task.upid, task.status) for task in each.tasks] for each in place.said] == [
        [(started, "")],
        [(started, "OK")],
    ]


def test_somebody_new_is_told(tmp_path: Path) -> None:
    place = Place(tmp_path)
    for greet in place.board.greetings:
        greet()
    assert place.said == [Working(())]


async def test_all_nodes_tasks_are_listed_running_and_newest_first(tmp_path: Path) -> None:
    place = Place(tmp_path)
    older, newer, running = upid("beta", 5), upid("beta", 9), upid("beta", 2)
    place.hear(2, WorkingTask(older, 7, "OK"), WorkingTask(newer, 10, "it failed"), WorkingTask(running, None, ""))
    rows = place.tasks_of_all.rows()
    assert [row.upid for row in rows] == [running, newer, older]
    assert (rows[1].node, rows[1].type, rows[1].status, rows[1].end_time_s) == ("beta", "clusterjoin", "it failed", 10)


def test_pages_are_told_what_is_new_of_another_node_s_tasks_and_nothing_twice(tmp_path: Path) -> None:
    place = Place(tmp_path)
    first, second = upid("beta", 5), upid("beta", 9)
    place.hear(2, WorkingTask(first, None, ""))
    place.hear(2, WorkingTask(second, None, ""), WorkingTask(first, None, ""))
    place.hear(2, WorkingTask(second, None, ""), WorkingTask(first, 7, "OK"))
    place.hear(9, WorkingTask(upid("iota"), 1, "OK"))
    assert [(task.upid, task.end_time_s) for task in place.news] == [(first, None), (second, None), (first, 7)]


def test_a_node_speaks_of_its_own_tasks_only_and_of_so_many(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.hear(2, WorkingTask(upid("alpha"), 1, "OK"), WorkingTask("nonsense", 1, "OK"))
    place.hear(9, WorkingTask(upid("iota"), 1, "OK"))
    assert place.tasks_of_all.rows() == []
    place.hear(2, *(WorkingTask(upid("beta", number), 1, "OK" * 500) for number in range(100)))
    assert len(place.tasks_of_all.rows()) == TASKS_PER_NODE_MAX
    assert max(len(row.status) for row in place.tasks_of_all.rows()) == 200


def test_a_node_that_was_removed_is_listed_no_more(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.hear(2, WorkingTask(upid("beta"), 1, "OK"))
    assert len(place.tasks_of_all.rows()) == 1
    del NAMES[2]
    try:
        assert place.tasks_of_all.rows() == []
    finally:
        NAMES[2] = "beta"
