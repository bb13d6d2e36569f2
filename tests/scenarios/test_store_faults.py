"""The store's contract on real corosync: partitions, one-way cuts, killed daemons and power lost, under load.

After each fault: no acknowledged write is lost, no refused one is there, no call hung, all trees are equal.
"""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Iterator

import pytest

from cluster.control import requests
from cluster.corosync import conf
from cluster.corosync.conf import Document
from demo.visitor import Visit
from lab import faults
from lab.hosts import Lab
from tests.scenarios.conftest import demo_of
from tests.scenarios.evidence import ask
from tests.scenarios.load import Load, await_one_store, judge

NAMES = ["alpha", "beta", "gamma"]
TOKEN_MS = 1000
NOTICED_S = 6.0  # token + consensus at TOKEN_MS, and a little
HEALED_S = 30.0
pytestmark = [pytest.mark.corosync, pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def office() -> Iterator[Visit]:
    """Three nodes on real corosync, their links apart from the network the test comes in by."""
    with demo_of("corosync", 3) as visit:
        lab = lab_of(visit)
        links = {name: {f"link{n}": lab.address(name, n) for n in (0, 1)} for name in NAMES}
        visit.create(**links["alpha"])
        for name in NAMES[1:]:
            visit.join(name, **links[name])
        quicker(visit)
        await_one_store(visit.nodes.values(), HEALED_S)
        yield visit


def lab_of(visit: Visit) -> Lab:
    lab = Lab("demo" + hashlib.sha256(os.fsencode(visit.state)).hexdigest()[:8], NAMES, str(visit.state / "lab"))
    lab.links = 2
    return lab


def quicker(visit: Visit) -> None:
    """A shorter token, so that a cut is noticed in seconds: written to the store like any other change."""
    before = ask(visit.first, requests.StoreRead("corosync.conf"))
    document = conf.raise_version(conf.parse(before["data"]))
    assert document.totem is not None
    totem = document.totem.with_value("token", str(TOKEN_MS))
    text = conf.render(Document(document.root.with_sections("totem", [totem])))
    ask(visit.first, requests.StoreWrite("corosync.conf", text.encode(), before["digest"]))
    time.sleep(0.5)  # every member has it on disk
    assert visit.first.command("corosync-cfgtool", "-R").returncode == 0


def healed(visit: Visit, load: Load) -> None:
    took_s = await_one_store(visit.nodes.values(), HEALED_S)
    judge(load, visit.nodes.values())
    print(
        f"{len(load.ok)} acknowledged, {len(load.failed)} refused, {len(load.unknown)} unknown; longest call "
        f"{load.worst_s:.1f} s; one store {took_s:.1f} s after healing"
    )


def test_a_minority_acknowledges_nothing_and_loses_nothing(office: Visit) -> None:
    lab, nodes = lab_of(office), list(office.nodes.values())
    with Load(nodes) as load:
        time.sleep(1)
        faults.split(lab, [["alpha"], ["beta", "gamma"]])
        cut_at = time.monotonic()
        time.sleep(NOTICED_S + 3)
        noticed = cut_at + NOTICED_S
        assert not load.acknowledged_by("alpha", noticed), "the minority acknowledged a write"
        assert load.acknowledged_by("beta", noticed), "the majority stopped writing"
        reason = ask(office["alpha"], requests.Status())["cluster"]["store"]["reason"]
        assert "votes" in reason, reason
        faults.heal(lab)
        time.sleep(4)
    healed(office, load)


def test_cutting_what_one_node_sends_undoes_no_majoritys_write(office: Visit) -> None:
    """The fault that makes pmxcfs lose what a quorate majority acknowledged, several times over."""
    lab, nodes = lab_of(office), list(office.nodes.values())
    for turn in range(4):
        victim = NAMES[turn % 3]
        others = [name for name in NAMES if name != victim]
        with Load(nodes, writers_each=3) as load:
            time.sleep(0.5)
            faults.cut(lab, [victim], others, oneway=True)
            time.sleep(NOTICED_S)
            faults.heal(lab)
            time.sleep(3)
        healed(office, load)


def test_killing_the_daemons_one_after_the_other_under_load(office: Visit) -> None:
    """corosync goes on running: the group changes, the ring does not."""
    nodes = list(office.nodes.values())
    with Load(nodes) as load:
        for name in NAMES:
            time.sleep(1)
            office[name].kill()
            office[name].start_again()
    healed(office, load)


def test_killing_all_daemons_at_once_under_load(office: Visit) -> None:
    nodes = list(office.nodes.values())
    with Load(nodes, writers_each=4) as load:
        time.sleep(1.5)
        for name in NAMES:
            office[name].kill()
        for name in NAMES:
            office[name].start_again()
        time.sleep(1)
    healed(office, load)


def test_a_paused_daemon_holds_nobody_up_for_ever(office: Visit) -> None:
    """Its corosync is well, so it stays a member that says nothing; the others go on without its word."""
    lab, nodes = lab_of(office), [office["alpha"], office["beta"]]
    os.kill(office["gamma"].pid, signal.SIGSTOP)
    try:
        with Load(nodes) as load:
            time.sleep(1)
            faults.cut(lab, ["alpha"], ["beta", "gamma"])
            time.sleep(NOTICED_S)
            faults.heal(lab)
            time.sleep(8)
            assert load.acknowledged_by("beta", time.monotonic() - 3), "nothing is written beside a paused member"
    finally:
        os.kill(office["gamma"].pid, signal.SIGCONT)
    healed(office, load)
