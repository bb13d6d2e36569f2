"""The store's contract on real corosync when programs die or stand still, under load.

After each fault: no acknowledged write is lost, no refused one is there, no call hung, all trees are equal in time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from cluster.control import requests
from cluster.errors import OutcomeUnknown
from lab import corosync, faults
from tests.scenarios.evidence import ask, tree_of
from tests.scenarios.healing import OURS_S, watch_healing, watch_writing
from tests.scenarios.judge import logged, written_by
from tests.scenarios.load import Load
from tests.scenarios.office import NAMES, NOTICED_S, Office

CAUGHT_UP_S = 10.0
BUFFERED_MIB_MAX = 64
pytestmark = [pytest.mark.corosync, pytest.mark.slow, pytest.mark.timeout(400)]


def test_killing_the_daemons_one_after_the_other_under_load(office: Office, tell: Callable[[str], None]) -> None:
    """corosync goes on running: the group changes, the ring does not."""
    with Load(office.nodes, writers_each=1) as load:
        for name in NAMES:
            time.sleep(1)
            office.stop(name)
            office.start([name])
        healing = watch_healing(office.lab, load)
    tell(f"daemons killed in turn: {healing}; {office.judged(load)}")
    assert healing.ours_s < OURS_S, healing


def test_killing_all_daemons_at_once_under_load(office: Office, tell: Callable[[str], None]) -> None:
    with Load(office.nodes, writers_each=4) as load:
        time.sleep(1.5)
        for name in NAMES:
            office.stop(name)
        office.start(NAMES)
        healing = watch_healing(office.lab, load)
    tell(f"all daemons killed: {healing}; {office.judged(load)}")
    assert healing.ours_s < OURS_S, healing


@pytest.mark.parametrize("victims", [["alpha"], NAMES], ids=" and ".join)
def test_killing_corosync_under_load(office: Office, victims: list[str], tell: Callable[[str], None]) -> None:
    """The daemon starts it again and is back in the group, without a storm of restarts."""
    with Load(office.nodes) as load:
        time.sleep(1)
        pids = {name: office[name].pid for name in NAMES}
        for name in victims:
            corosync.kill(office.lab, name)
        healing = watch_healing(office.lab, load)
        assert office.daemons() == pids, "a daemon ended because its corosync did"
    tell(f"corosync killed on {', '.join(victims)}: {healing}; {office.judged(load)}")
    assert healing.ours_s < OURS_S, healing


def test_a_paused_daemon_holds_nobody_up_for_ever(office: Office, tell: Callable[[str], None]) -> None:
    """Its corosync is well, so it stays a member that says nothing; the others go on without its word, and corosync
    does not keep for it without end what it does not take."""
    others = [office["alpha"], office["beta"]]
    keeper = corosync.running(office.lab, "gamma")
    before_mib = resident_mib(keeper)
    office.pause("gamma")
    try:
        with Load(others, size=4_000) as load:
            time.sleep(1)
            faults.cut(office.lab, ["alpha"], ["beta", "gamma"])
            time.sleep(NOTICED_S)
            faults.heal(office.lab)
            time.sleep(8)
            assert load.acknowledged_by("beta", time.monotonic() - 3), "nothing is written beside a paused member"
            grown_mib = resident_mib(keeper) - before_mib
    finally:
        office.go_on("gamma")
    figures = office.judged(load, within_s=CAUGHT_UP_S)
    tell(f"gamma's daemon paused for 15 s: its corosync grew by {grown_mib:.0f} MiB; {figures}")
    assert grown_mib < BUFFERED_MIB_MAX


def test_what_one_node_had_and_the_cluster_did_not_keep_is_in_its_journal(office: Office) -> None:
    """alpha has a change on disk when everybody's daemon dies; the others go on before it comes back."""
    path, lone = "only-on-alpha", ["beta", "gamma"]
    for name in lone:
        office.pause(name)
    with pytest.raises(OutcomeUnknown):
        ask(office["alpha"], requests.StoreWrite(path, b"kept by nobody else\n", timeout_s=2))
    for name in NAMES:
        office.stop(name)
    logs = {"alpha": office.at_store("alpha", logged)}
    assert path in {one.path for entry in logs["alpha"].values() for one in written_by(entry)}
    office.start(lone)
    with Load([office[name] for name in lone]) as load:
        watch_writing(load)
    office.start(["alpha"])
    figures = office.judged(load, logs, within_s=CAUGHT_UP_S)
    assert "1 dropped and in a journal" in figures, figures
    conflicts = ask(office["alpha"], requests.StoreConflicts())
    assert [(one["node"], one["operations"][0]["path"]) for one in conflicts[:1]] == [("alpha", path)]
    assert path not in tree_of(office["alpha"])


def resident_mib(pid: int) -> float:
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
