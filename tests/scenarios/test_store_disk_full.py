"""The store's contract when a disk is full: on one node, and on a majority, under load.

A store has some room of its own (its log on disk is made long once), so it goes on for a while on a full disk.

Who writes on such a node hears of it at once and never waits; the others go on while they are a majority; and once
there is room again, the node is back by itself.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from typing import Any

import pytest

from cluster.control import requests
from cluster.errors import StoreRefusal
from demo.places import OWN_STATE
from tests.scenarios.evidence import ask
from tests.scenarios.healing import OURS_S, PAUSE_S, watch_healing
from tests.scenarios.load import Load
from tests.scenarios.office import NAMES, Office

BALLAST = f"{OWN_STATE}/ballast"
TOLD_S = 2.0
FULL_S = 30.0
pytestmark = [pytest.mark.corosync, pytest.mark.slow, pytest.mark.timeout(400)]


def fill(office: Office, name: str) -> None:
    """The last byte goes too: a block at a time once no more large pieces fit."""
    for block in ("1M", "4k"):
        said = office.lab.output(name, ["dd", "if=/dev/zero", f"of={BALLAST}-{block}", f"bs={block}", "conv=fsync"])
        assert "No space left" in said


def make_room(office: Office, name: str) -> None:
    for block in ("1M", "4k"):
        office.lab.path(name, f"{BALLAST}-{block}").unlink(missing_ok=True)


@pytest.mark.parametrize("victims", [["gamma"], ["beta", "gamma"]], ids=" and ".join)
def test_a_full_disk_is_told_at_once_and_over_when_there_is_room(
    office: Office, victims: list[str], tell: Callable[[str], None]
) -> None:
    others = [name for name in NAMES if name not in victims]
    try:
        with Load(office.nodes, size=50_000) as filling:
            time.sleep(0.5)
            for name in victims:
                fill(office, name)
            for name in victims:
                await_full(office, filling, name)
        with Load(office.nodes) as load:
            full_at = time.monotonic()
            time.sleep(TOLD_S)
            for name in victims:
                assert not load.acknowledged_by(name, full_at), f"{name} acknowledged what it cannot keep"
                told_s = refused_after_s(office, name)
                assert told_s < TOLD_S, f"a write on {name} was refused only after {told_s:.1f} s"
                assert ask(office[name], requests.StoreRead("corosync.conf"))["data"], "reading goes on"
            if len(others) > len(victims):
                assert load.acknowledged_by(others[0], full_at), "the majority that has room stopped writing"
            logs = office.logs()
            for name in victims:
                make_room(office, name)
            healing = watch_healing(office.lab, load)
    finally:
        for name in victims:
            make_room(office, name)
    tell(f"disk full on {', '.join(victims)}: {healing}; {office.judged(load, logs)}; before: {office.judged(filling)}")
    assert healing.ours_s < OURS_S, healing


def await_full(office: Office, load: Load, name: str) -> None:
    """Until the node's store has used up what room it had of its own; else the failure says how all of them stand."""
    until_s = time.monotonic() + FULL_S
    while "is full" not in standing(office, name)["trouble"]:
        assert time.monotonic() < until_s, (
            f"{name} still has room: {[standing(office, one) for one in NAMES]}; {load}; "
            f"{office.lab.output(name, ['df', '-k', OWN_STATE])}{office.lab.output(name, ['ls', '-ls', OWN_STATE])}"
        )
        time.sleep(PAUSE_S)


def standing(office: Office, name: str) -> dict[str, Any]:
    found: dict[str, Any] = ask(office[name], requests.Status())["cluster"]["store"]
    return found


def refused_after_s(office: Office, name: str) -> float:
    began_s = time.monotonic()
    with pytest.raises(StoreRefusal) as refused:
        ask(office[name], requests.StoreWrite(f"no-room-on-{name}", b"x", timeout_s=5))
    assert refused.value.errno == errno.ENOSPC, refused.value.message
    return time.monotonic() - began_s
