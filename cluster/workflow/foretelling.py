"""What a workflow would do, before anybody does it: its looking steps are done, the titles of all of them are told.

The same steps that run are asked, so a plan cannot differ from what follows it. Nothing is journalled or changed; what
running them means is `steps.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from cluster.errors import QuireError
from cluster.workflow.steps import Run, Step, Workflow


@dataclass(frozen=True, slots=True)
class Foretold:
    """`obstacle` is why it would be refused as things are, else empty."""

    steps: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    obstacle: str = ""


class _Listener(Run):
    """A run that keeps what is said to it and notes nothing down."""

    def __init__(self, facts: Mapping[str, str], user: str) -> None:
        self._facts, self._user = dict(facts), user
        self.last_said = ""
        self.heard: list[str] = []

    @property
    def facts(self) -> Mapping[str, str]:
        return self._facts

    @property
    def user(self) -> str:
        return self._user

    def note(self, **facts: str) -> None:
        self._facts.update(facts)

    def say(self, line: str) -> None:
        self.heard.append(line)

    def warn(self, line: str) -> None:
        self.heard.append(line)


async def foretell(workflow: Workflow, user: str) -> Foretold:
    """Never raises for what a step finds."""
    listener = _Listener(workflow.facts, user)
    titles = tuple(step.title for step in (*workflow.steps, *workflow.finishing))
    for step in workflow.steps:
        if not step.looks:
            break  # what comes later may need what this one makes
        obstacle = await _look(step, listener)
        if obstacle:
            return Foretold(titles, tuple(listener.heard), obstacle)
    return Foretold(titles, tuple(listener.heard))


async def _look(step: Step, listener: _Listener) -> str:
    try:
        async with asyncio.timeout(step.deadline_s):
            await step.do(listener)
    except QuireError as error:
        return error.message
    except TimeoutError:
        return f"{step.title}: it was not done within {step.deadline_s:g} s."
    return ""
