"""The store's contract when disks are slow: one that flushes for seconds holds nobody up, two lose nothing either.

Every flush of a node's store is made to take longer, in its own process; corosync and the others know nothing of it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.scenarios.load import OK, WRITE_TIMEOUT_S, Load
from tests.scenarios.office import Office
from tests.store.failing import Failing, compiled

VICTIMS = ["beta", "gamma"]
SLOW_MS = 1500
WHILE_S = 6.0
CAUGHT_UP_S = 15.0
pytestmark = [pytest.mark.corosync, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def disks(office: Office, tmp_path: Path) -> Iterator[dict[str, Failing]]:
    """The disks of beta and gamma, which obey."""
    library = compiled(tmp_path)
    found = {name: Failing(library, tmp_path / f"rule-{name}") for name in VICTIMS}
    for name, disk in found.items():
        disk.mend()
        office.stop(name)
        office.start([name], disk.environment)
    office.judged(Load(office.nodes), within_s=CAUGHT_UP_S)
    yield found
    for name in VICTIMS:
        office.stop(name)
    office.start(VICTIMS)


def took_s(load: Load, name: str) -> float:
    """The median of the writes that were acknowledged on a node."""
    answered = [call.returned_s - call.invoked_s for call in load.changes(OK) if f"-{name}-" in call.process]
    assert answered, f"{name} acknowledged nothing"
    return statistics.median(answered)


def test_one_slow_disk_holds_nobody_up_and_two_lose_nothing(
    office: Office, disks: dict[str, Failing], tell: Callable[[str], None]
) -> None:
    disks["gamma"].slow_down(SLOW_MS)
    with Load(office.nodes[:2]) as load:
        time.sleep(WHILE_S)
    one_slow_s = took_s(load, "alpha")
    disks["beta"].slow_down(SLOW_MS)
    with Load(office.nodes) as both:
        time.sleep(WHILE_S)
    two_slow_s = took_s(both, "alpha")
    for disk in disks.values():
        disk.mend()
    figures = [office.judged(one, within_s=CAUGHT_UP_S) for one in (load, both)]
    tell(f"flushes of {SLOW_MS} ms on one node: a write takes {one_slow_s:.3f} s; {figures[0]}")
    tell(f"flushes of {SLOW_MS} ms on two nodes: a write takes {two_slow_s:.3f} s; {figures[1]}")
    assert one_slow_s < SLOW_MS / 1000 <= two_slow_s
    assert both.worst_s < WRITE_TIMEOUT_S + 2, "a write waited beyond its time"
