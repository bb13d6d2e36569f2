"""A witness on real corosync and real corosync-qnetd: set up from the program on its host, watched, at work, removed.

Four hosts: a cluster of alpha and beta, gamma that comes and goes, and delta, whose daemon is idle and which is the
witness. What Quire tells is held against corosync's own tools on the same host.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.control.store_requests import StoreRead
from demo.visitor import Visit, Visited, eventually
from lab import processes
from lab.hosts import Lab
from tests.scenarios.conftest import demo_of
from tests.scenarios.evidence import ask

pytestmark = [pytest.mark.corosync, pytest.mark.slow, pytest.mark.timeout(300)]
ROOT = Path(__file__).resolve().parents[2]
LINE = re.compile(r"^quire-witness:\S+$", re.MULTILINE)
SETTLES_S = 60.0  # corosync-qdevice's own timers, on a slow machine


class Site:
    def __init__(self, visit: Visit) -> None:
        self.visit, self.lab = visit, Lab.at(str(visit.state / "lab"))
        self.alpha, self.beta, self.gamma = (visit[name] for name in ("alpha", "beta", "gamma"))
        self.agents = 0

    def line(self) -> str:
        """Start the program on the witness's host → the line it prints."""
        self.agents += 1
        log = self.visit.state / f"agent-{self.agents}.log"
        self.lab.spawn("delta", [str(ROOT / "script/witness"), "--address", self.lab.address("delta")], str(log))
        return str(eventually("the witness prints its line", lambda: LINE.search(log.read_text()), 60)[0])

    def said(self) -> str:
        return (self.visit.state / f"agent-{self.agents}.log").read_text()

    def end_qnetd(self) -> None:
        for pid, command in self.lab.processes("delta").items():
            if command.split()[:1] == ["corosync-qnetd"]:
                processes.send(pid, 9)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with demo_of("corosync", 4) as visit:
        here = Site(visit)
        links = {name: {f"link{n}": here.lab.address(name, n) for n in (0, 1)} for name in ("alpha", "beta")}
        visit.create(**links["alpha"])
        visit.join("beta", **links["beta"])
        yield here


def quorumtool(node: Visited) -> dict[str, str]:
    said = node.command("corosync-quorumtool", "-s").stdout
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in said.splitlines())}


def told(node: Visited) -> dict[str, Any]:
    return dict(json.loads(node.pvecm("qdevice", "status", "--output-format", "json").stdout))


def votes_as_corosync_counts(node: Visited) -> tuple[int, int, int]:
    """The device's row, the votes that are needed, and all that are present. Expected votes are not compared: corosync
    3.1 leaves the device out of them at times after a node was removed, where as many are needed either way."""
    said = node.command("corosync-quorumtool", "-s").stdout
    row = re.search(r"^\s*0\s+(\d+)\s+Qdevice", said, re.MULTILINE)
    told = quorumtool(node)
    return int(row[1]) if row else 0, int(told["Quorum"].split()[0]), int(told["Total votes"])


def qdevice_folder(site: Site, name: str) -> bool:
    return site.lab.path(name, "/etc/corosync/qdevice").exists()


def test_the_whole_life_of_a_witness(site: Site) -> None:
    before = ask(site.alpha, StoreRead("corosync.conf"))["data"]

    line = site.line()
    ran = site.alpha.command("env", *_pvecm(site.alpha), "qdevice", "setup", line, timeout_s=180)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "The witness at" in ran.stdout
    eventually("the program on the witness ends", lambda: "runs on" in site.said(), 30)
    for node in (site.alpha, site.beta):
        eventually("both count its vote", lambda node=node: votes_as_corosync_counts(node) == (1, 2, 3), SETTLES_S)
        state = told(node)
        assert (state["host"], state["algorithm"], state["votes"]) == (site.lab.address("delta"), "ffsplit", 1)
        assert [name for name, seen in state["seen"] if seen["connected"]] == ["alpha", "beta"]
    said = site.alpha.command("corosync-qdevice-tool", "-s").stdout
    assert re.search(r"State:\s+Connected", said)
    assert site.alpha.get("/cluster/config/qdevice")["State"] == "Connected"

    site.visit.join("gamma", **{f"link{n}": site.lab.address("gamma", n) for n in (0, 1)})
    eventually("three nodes need no witness", lambda: votes_as_corosync_counts(site.alpha) == (0, 2, 3), SETTLES_S)
    assert told(site.alpha)["resting"]
    eventually("nobody asks it", lambda: not site.alpha.command("pgrep", "-x", "corosync-qdevi").stdout, SETTLES_S)
    ran = site.alpha.pvecm("delnode", "gamma")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    eventually("two nodes have it again", lambda: votes_as_corosync_counts(site.alpha) == (1, 2, 3), SETTLES_S)
    eventually("beta too", lambda: votes_as_corosync_counts(site.beta) == (1, 2, 3), SETTLES_S)

    site.lab.kill("beta")
    eventually("alpha is alone", lambda: quorumtool(site.alpha).get("Nodes") == "1", SETTLES_S)
    eventually("and stays quorate", lambda: quorumtool(site.alpha)["Quorate"] == "Yes", SETTLES_S)
    assert votes_as_corosync_counts(site.alpha) == (1, 2, 2)
    eventually("which Quire tells alike", lambda: told(site.alpha)["votes"] == 1, SETTLES_S)
    status = site.alpha.sign_in().get("/cluster/status")  # the removal changed the key of tickets
    assert next(row for row in status if row["type"] == "cluster")["quorate"] == 1

    site.lab.start("beta")
    site.beta.enter = site.lab.enter("beta")
    site.beta.start_again()
    eventually("beta is back", lambda: votes_as_corosync_counts(site.beta) == (1, 2, 3), 90)

    site.end_qnetd()
    eventually("it is gone", lambda: not told(site.alpha)["connected"], SETTLES_S)
    assert "Connected" not in site.alpha.command("corosync-qdevice-tool", "-s").stdout.split()

    ran = site.alpha.pvecm("qdevice", "remove")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    eventually("its vote is gone", lambda: votes_as_corosync_counts(site.alpha) == (0, 2, 2), SETTLES_S)
    for name in ("alpha", "beta"):
        eventually("its certificates too", lambda name=name: not qdevice_folder(site, name), SETTLES_S)
    after = ask(site.alpha, StoreRead("corosync.conf"))["data"]
    assert _unversioned(after) == _unversioned(before)
    assert not told(site.alpha)["host"]


def test_a_set_up_that_fails_leaves_everything_as_it_was(site: Site) -> None:
    """The witness's port is not reached: the nodes never connect, and all is taken back, the token too."""
    line = site.line()
    before = ask(site.alpha, StoreRead("corosync.conf"))["data"]
    site.lab.output("delta", ["nft", "add table inet shut"])
    site.lab.output("delta", ["nft", "add chain inet shut in { type filter hook input priority 0 ; }"])
    site.lab.output("delta", ["nft", "add rule inet shut in iifname link0 tcp dport 5403 drop"])
    ran = site.alpha.command("env", *_pvecm(site.alpha), "qdevice", "setup", line, timeout_s=180)
    assert ran.returncode == 1 and "Everything was taken back" in ran.stderr, ran.stdout + ran.stderr
    assert _unversioned(ask(site.alpha, StoreRead("corosync.conf"))["data"]) == _unversioned(before)
    for name in ("alpha", "beta"):
        eventually("no certificates", lambda name=name: not qdevice_folder(site, name), SETTLES_S)
    assert votes_as_corosync_counts(site.alpha) == (0, 2, 2)
    assert "the token is good again" in site.said()


def _pvecm(node: Visited) -> list[str]:
    return [str(ROOT / ".venv/bin/pvecm"), "--socket", node.socket]


def _unversioned(text: bytes) -> list[bytes]:
    return [line for line in text.splitlines() if b"config_version" not in line]
