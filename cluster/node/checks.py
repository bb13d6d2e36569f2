"""Checks under way: each is followed by its id, told to subscribers as it finds things, and kept for a while when done.

Bounded in number and time. What is looked at is given as work; what is found is `cluster/core/findings.py`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cluster.core.findings import Finding
from cluster.errors import Busy, NotFound, QuireError

KEPT_MAX, RUNNING_MAX, FINDINGS_MAX = 8, 3, 400
CHECK_S, WAIT_S = 60.0, 15.0
SENTENCE_CHARS = 400

log = logging.getLogger(__name__)

Tell = Callable[[Sequence[Finding]], None]


@dataclass
class CheckState:
    """What a check has found so far."""

    id: str
    kind: str
    done: bool = False
    findings: list[Finding] = field(default_factory=list)


class Checks:
    """`publish` tells subscribers how a check stands now; `run` lets it run beside other things, until the daemon
    ends."""

    def __init__(
        self, publish: Callable[[CheckState], None], run: Callable[[Coroutine[Any, Any, None]], object]
    ) -> None:
        self._publish, self._begin = publish, run
        self._kept: OrderedDict[str, CheckState] = OrderedDict()
        self._running: set[str] = set()
        self._moved = asyncio.Event()

    def start(self, kind: str, work: Callable[[Tell], Awaitable[None]]) -> str:
        """Begin; returns the id. Raises Busy."""
        if len(self._running) >= RUNNING_MAX:
            raise Busy("Several checks are running on this node already. Try again in a few seconds.")
        state = CheckState(secrets.token_hex(8), kind)
        self._kept[state.id] = state
        while len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        self._running.add(state.id)
        self._begin(self._run(state, work))
        return state.id

    async def state(self, id_: str, after: int = -1, wait_s: float = 0) -> CheckState:
        """Raises NotFound."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + min(max(wait_s, 0.0), WAIT_S)
        while True:
            state = self._kept.get(id_)
            if state is None:
                raise NotFound("There is no such check any more. Begin another one.")
            left_s = until_s - loop.time()
            if state.done or len(state.findings) > after or left_s <= 0:
                return state
            try:
                async with asyncio.timeout(left_s):
                    await self._moved.wait()
            except TimeoutError:
                continue

    async def _run(self, state: CheckState, work: Callable[[Tell], Awaitable[None]]) -> None:
        def tell(findings: Sequence[Finding]) -> None:
            room = FINDINGS_MAX - len(state.findings)
            state.findings += [_bounded(each) for each in findings[: max(room, 0)]]
            self._tell(state)

        try:
            async with asyncio.timeout(CHECK_S):
                await work(tell)
        except TimeoutError:
            tell([Finding("check", "error", f"The check did not end within {CHECK_S:g} s.")])
        except QuireError as error:
            tell([Finding("check", "error", error.message)])
        except Exception as error:
            log.exception("a check failed unexpectedly")
            tell([Finding("check", "error", f"An internal error ({type(error).__name__}), see the daemon's log.")])
        finally:
            state.done = True
            self._running.discard(state.id)
            self._tell(state)

    def _tell(self, state: CheckState) -> None:
        self._publish(state)
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()


def _bounded(finding: Finding) -> Finding:
    """Fit for one row: a peer's words are in some."""
    text = "".join(char if char.isprintable() else " " for char in finding.sentence)[:SENTENCE_CHARS]
    return replace(finding, sentence=text, node=finding.node[:64])
