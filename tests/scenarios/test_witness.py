"""A witness on real corosync and real corosync-qnetd: set up from the program on its host, watched, at work, removed.

Four hosts: a cluster of alpha and beta, gamma that comes and goes, and delta, whose daemon is idle and which is the
witness. What Quire tells is held against corosync's own tools on the same host.
"""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from cluster.control.store_requests import StoreRead
from demo import pages
from demo.pages import open_dialog
from demo.visitor import Visit, Visited, eventually
from lab import processes
from lab.hosts import Lab
from tests.browser.conftest import Visitor, browser, visitor
from tests.scenarios.conftest import demo_of
from tests.scenarios.evidence import ask

__all__ = ["browser", "visitor"]
pytestmark = [pytest.mark.corosync, pytest.mark.slow, pytest.mark.timeout(300)]
ROOT = Path(__file__).resolve().parents[2]
LINE = re.compile(r"^quire-witness:\S+$", re.MULTILINE)
AGENT_ENDS_S = 30.0
SETTLES_S = 60.0  # corosync-qdevice's own timers, on a slow machine


class Site:
    def __init__(self, visit: Visit) -> None:
        self.visit, self.lab = visit, Lab.at(str(visit.state / "lab"))
        self.alpha, self.beta, self.gamma = (visit[name] for name in ("alpha", "beta", "gamma"))
        self.agents = 0
        self._agent = 0  # its pid

    def line(self) -> str:
        """Start the program on the witness's host → the line it prints."""
        self.agents += 1
        log = self.visit.state / f"agent-{self.agents}.log"
        words = [str(ROOT / "script/witness"), "--address", self.lab.address("delta")]
        self._agent = self.lab.spawn("delta", words, str(log))
        return str(eventually("the witness prints its line", lambda: LINE.search(log.read_text()), 60)[0])

    def end_agent(self) -> None:
        """It waits for a cluster for an hour, and holds its port: the next one could not begin."""
        if self._agent and "witness" in processes.command(self._agent):
            processes.send(self._agent, signal.SIGTERM)
            assert not processes.wait_gone([self._agent], AGENT_ENDS_S), "the program on the witness goes on"

    def said(self) -> str:
        return (self.visit.state / f"agent-{self.agents}.log").read_text()

    def end_qnetd(self) -> None:
        for pid, command in self.lab.processes("delta").items():
            if command.split()[:1] == ["corosync-qnetd"]:
                processes.send(pid, 9)


@pytest.fixture(scope="module")
def shared_site() -> Iterator[Site]:
    with demo_of("corosync", 4) as visit:
        here = Site(visit)
        links = {name: {f"link{n}": here.lab.address(name, n) for n in (0, 1)} for name in ("alpha", "beta")}
        visit.create(**links["alpha"])
        visit.join("beta", **links["beta"])
        yield here


@pytest.fixture
def site(shared_site: Site) -> Iterator[Site]:
    """A test ends what it began on the witness's host, however it ends: nothing waits there, nothing is shut."""
    yield shared_site
    shared_site.end_agent()
    shared_site.lab.output("delta", ["nft", "delete table inet shut"])


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


def test_a_set_up_that_fails_leaves_everything_as_it_was_and_the_next_one_succeeds(site: Site) -> None:
    """Over the API. The witness's port is not reached: no node connects, and all is taken back, the token too."""
    line = site.line()
    before = ask(site.alpha, StoreRead("corosync.conf"))["data"]
    site.lab.output("delta", ["nft", "add table inet shut"])
    site.lab.output("delta", ["nft", "add chain inet shut in { type filter hook input priority 0 ; }"])
    site.lab.output("delta", ["nft", "add rule inet shut in iifname link0 tcp dport 5403 drop"])
    ended = site.alpha.sign_in().task_end(site.alpha.post("/cluster/config/qdevice", invitation=line), 180)
    assert "Everything was taken back" in ended, ended
    assert _unversioned(ask(site.alpha, StoreRead("corosync.conf"))["data"]) == _unversioned(before)
    for name in ("alpha", "beta"):
        eventually("no certificates", lambda name=name: not qdevice_folder(site, name), SETTLES_S)
    assert votes_as_corosync_counts(site.alpha) == (0, 2, 2)
    assert "the token is good again" in site.said()

    site.lab.output("delta", ["nft", "delete table inet shut"])
    assert site.alpha.task_end(site.alpha.post("/cluster/config/qdevice", invitation=line), 180) == "OK"
    assert votes_as_corosync_counts(site.alpha) == (1, 2, 3)
    assert site.alpha.get("/cluster/config/qdevice/status")["host"] == site.lab.address("delta")
    assert site.alpha.task_end(site.alpha.delete("/cluster/config/qdevice"), 180) == "OK"
    eventually("its vote is gone", lambda: votes_as_corosync_counts(site.alpha) == (0, 2, 2), SETTLES_S)


@pytest.mark.browser
def test_a_witness_is_advised_set_up_watched_and_removed_in_the_browser(site: Site, visitor: Visitor) -> None:  # noqa: F811
    page = visitor("about:blank")
    pages.sign_in(page, site.alpha.sign_in().url, site.visit.user, site.visit.password)
    host, witness = site.lab.address("delta"), page.locator("#cluster-witness")
    expect(witness).to_contain_text("No witness")
    expect(witness).to_contain_text("a witness keeps one of them quorate when the other fails.")
    dialog = open_dialog(page, "Set Up Witness")
    expect(dialog).to_contain_text("It should share neither power nor network with one half of the nodes.")
    line = site.line()
    dialog.get_by_label("What it printed").fill(line[:-9])
    dialog.get_by_role("button", name="Set up").click()
    expect(dialog.locator("#witness-line-error")).to_contain_text("This is not the whole line")
    dialog.get_by_label("What it printed").fill(line)
    dialog.get_by_role("button", name="Set up").click()
    pages.await_task(page, 2 * SETTLES_S)
    expect(witness).to_contain_text(host, timeout=SETTLES_S * 1000)
    expect(witness).to_contain_text("1 of 1", timeout=SETTLES_S * 1000)
    for node in ("alpha", "beta"):
        expect(witness.get_by_role("row", name=node)).to_contain_text("Connected", timeout=SETTLES_S * 1000)
    eventually("corosync counts its vote", lambda: votes_as_corosync_counts(site.alpha) == (1, 2, 3), SETTLES_S)

    site.end_qnetd()
    expect(witness.get_by_role("row", name="alpha")).not_to_contain_text("Connected", timeout=SETTLES_S * 1000)
    dialog = open_dialog(page, "Remove Witness")
    expect(dialog).to_contain_text("Without it, neither of the two nodes is quorate when the other fails.")
    dialog.get_by_label("to confirm").fill("another host")
    dialog.get_by_role("button", name="Remove", exact=True).click()
    expect(dialog.locator(".field-error", has_text=f"Type {host} to confirm.")).to_be_visible()
    dialog.get_by_label("to confirm").fill(host)
    dialog.get_by_role("button", name="Remove", exact=True).click()
    pages.await_task(page, 2 * SETTLES_S)
    expect(witness).to_contain_text("No witness", timeout=SETTLES_S * 1000)
    eventually("its vote is gone", lambda: votes_as_corosync_counts(site.alpha) == (0, 2, 2), SETTLES_S)


def _pvecm(node: Visited) -> list[str]:
    return [str(ROOT / ".venv/bin/pvecm"), "--socket", node.socket]


def _unversioned(text: bytes) -> list[bytes]:
    return [line for line in text.splitlines() if b"config_version" not in line]
