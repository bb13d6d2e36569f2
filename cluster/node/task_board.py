"""Recent tasks of all nodes: each says its own in the `status` group, and what was last heard of the others is kept.

In memory and bounded, as the board is. A node that is away stays in the list with what it said last. A node can only
speak of its own tasks; their logs and steps stay with it. What is new of another node's is told to pages as a change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from cluster.errors import InvalidInput
from cluster.model import TaskState
from cluster.node.board_messages import Working, WorkingTask, encode
from cluster.node.tasks import TaskLines, state_of
from cluster.node.upid import parse_upid

if TYPE_CHECKING:
    from cluster.node.board import Board
    from cluster.node.daemon import Daemon
    from cluster.node.tasks import TaskRunner

TASKS_PER_NODE_MAX = 25
STATUS_CHARACTERS_MAX = 200


class TaskBoard:
    """`say` multicasts to the status group; `node_name` is who a node id is, None when it is no member's; `heard` is
    told each task of another node that is new or has ended."""

    def __init__(
        self,
        tasks: TaskRunner,
        board: Board,
        say: Callable[[bytes], None],
        node_name: Callable[[int], str | None],
        own_id: Callable[[], int],
        heard: Callable[[TaskState], None] = lambda task: None,
    ) -> None:
        self._tasks, self._say, self._node_name, self._own_id, self._news = tasks, say, node_name, own_id, heard
        self._heard: dict[int, tuple[TaskState, ...]] = {}
        self._said: tuple[WorkingTask, ...] | None = None
        board.working = self.hear
        board.greetings.append(self.tell)
        tasks.subscribe(self._changed)

    def hear(self, node_id: int, message: Working) -> None:
        name = self._node_name(node_id)
        if name is not None and node_id != self._own_id():
            states = (_state(each) for each in message.tasks[:TASKS_PER_NODE_MAX])
            known = self._heard.get(node_id, ())
            self._heard[node_id] = tuple(state for state in states if state is not None and state.node == name)
            for state in reversed(self._heard[node_id]):
                if state not in known:
                    self._news(state)

    def tell(self) -> None:
        """Somebody new is here, or something has changed."""
        self._said = self._own()
        self._say(encode(Working(self._said)))

    def rows(self) -> list[TaskState]:
        """Newest first, running ones before the others."""
        own = self._tasks.list(TASKS_PER_NODE_MAX)
        others = [
            task
            for node_id, tasks in self._heard.items()
            if self._node_name(node_id) is not None and node_id != self._own_id()
            for task in tasks
        ]
        return sorted([*own, *others], key=lambda task: (task.end_time_s is not None, -task.start_time_s))

    def _changed(self, what: TaskState | TaskLines) -> None:
        if isinstance(what, TaskState) and self._own() != self._said:
            self.tell()

    def _own(self) -> tuple[WorkingTask, ...]:
        return tuple(
            WorkingTask(task.upid, task.end_time_s, task.status[:STATUS_CHARACTERS_MAX])
            for task in self._tasks.list(TASKS_PER_NODE_MAX)
        )


def of_daemon(node: Daemon) -> TaskBoard:
    return TaskBoard(
        node.tasks, node.board, node.say, node.name_of, lambda: node.life.replica.node_id,
        lambda task: node.publisher.publish("task", task),
    )  # fmt: skip


def _state(said: WorkingTask) -> TaskState | None:
    try:
        state = state_of(parse_upid(said.upid))
    except InvalidInput:
        return None
    if said.end_time_s is None:
        return state
    return replace(state, end_time_s=said.end_time_s, status=said.status[:STATUS_CHARACTERS_MAX], progress=1.0)
