"""Pre-flight on real corosync: two members and a node that would join, on networks that are cut, slow or narrow.

One office for all, which every test leaves as it was; nothing joins.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from cluster.control.token_requests import TokenCreate
from demo.visitor import Refused, Visit, Visited, eventually
from lab import faults
from lab.hosts import Lab
from tests.scenarios.conftest import demo_of
from tests.scenarios.evidence import ask
from tests.scenarios.unlucky import unlucky

pytestmark = [pytest.mark.corosync, pytest.mark.slow, pytest.mark.timeout(300)]
CHECK_S = 60
DISK_MIB = 160  # enough, and more than what may be left of it


@dataclass
class Hall:
    """alpha and beta are a cluster, gamma is none of it yet."""

    visit: Visit
    lab: Lab
    invitation: str

    @property
    def gamma(self) -> Visited:
        return self.visit["gamma"]

    @property
    def links(self) -> dict[str, str]:
        return {f"link{link}": self.lab.address("gamma", link) for link in (0, 1)}

    def look(self) -> dict[str, dict[str, Any]]:
        """The worst finding of each code, as gamma tells it from the command line."""
        return worst(self.rows())

    def rows(self, *more: str) -> list[dict[str, Any]]:
        links = [f"--{name}={address}" for name, address in self.links.items()]
        words = ("check", "join", self.invitation, *links, *more, "--output-format", "json")
        ran = self.gamma.pvecm(*words, timeout_s=CHECK_S)
        assert ran.returncode in (0, 1), ran.stdout + ran.stderr
        return list(json.loads(ran.stdout))

    def rows_of_the_api(self, **more: Any) -> list[dict[str, Any]]:
        given = {"invitation": self.invitation, **self.links, **more}
        id_ = self.gamma.post("/cluster/config/check", **given)["id"]
        eventually("the check is done", lambda: self.gamma.get(f"/cluster/config/check/{id_}")["done"], CHECK_S)
        return list(self.gamma.get(f"/cluster/config/check/{id_}")["findings"])


def worst(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    order = ("ok", "info", "warning", "error")
    return {row["code"]: row for row in sorted(rows, key=lambda row: order.index(row["severity"]))}


@pytest.fixture(scope="module")
def hall() -> Iterator[Hall]:
    with demo_of("corosync", 3, disk_mib=DISK_MIB) as visit:
        lab = Lab.at(str(visit.state / "lab"))
        links = {name: {f"link{n}": lab.address(name, n) for n in (0, 1)} for name in ("alpha", "beta")}
        visit.create(**links["alpha"])
        visit.join("beta", **links["beta"])
        invitation = ask(visit.first, TokenCreate("rack"))["invitation"]
        yield Hall(visit, lab, invitation)


@pytest.fixture
def whole(hall: Hall) -> Iterator[Hall]:
    yield hall
    faults.heal(hall.lab)


def test_where_all_is_well_every_look_from_both_sides_says_so(whole: Hall) -> None:
    wanted = {"membership", "peer", "link-numbers", "unique-name", "unique-address", "udp", "tcp", "loss", "mtu",
              "clock", "names", "version", "engine-version", "cpu", "bond", "leftovers"}  # fmt: skip

    def well() -> bool:
        found = whole.look()
        assert {"ssh", "space", "shared-network", "round-trip", "time-source"} <= found.keys()
        return {code for code, one in found.items() if one["severity"] == "ok"} >= wanted

    eventually("all is well, on a machine that may be busy", well, 3 * CHECK_S)
    assert whole.visit.first.online() == {"alpha", "beta"}, "corosync bears what is sent to its ports"


@pytest.mark.parametrize(("source", "target"), [("beta", "gamma"), ("gamma", "beta")])
def test_udp_that_is_blocked_one_way_is_told_with_its_direction(whole: Hall, source: str, target: str) -> None:
    faults.cut(whole.lab, [source], [target], link=1, oneway=True)
    found = whole.look()["udp"]
    assert found["severity"] == "error" and found["why"] and found["advice"]
    assert f"UDP port 5406 of {target} cannot be reached from {source} on link 1." == found["sentence"]


@pytest.mark.parametrize(("source", "target"), [("beta", "gamma"), ("gamma", "beta")])
def test_tcp_that_is_blocked_one_way_is_told_with_its_direction(whole: Hall, source: str, target: str) -> None:
    site = whole.visit[target].url.removeprefix("https://").partition(":")[0]
    with closed(whole.visit[source], f"ip daddr {site} tcp dport 8006"):
        found = whole.look()["tcp"]
    assert found["severity"] == "error" and found["why"] and found["advice"]
    assert f"TCP port 8006 of {target} cannot be reached from {source} at {site}." == found["sentence"]


@contextlib.contextmanager
def closed(node: Visited, what: str) -> Iterator[None]:
    """A firewall on the node lets out nothing of that kind."""
    chain = "{ type filter hook output priority 0; policy accept; }"
    for words in ("add table inet closed", f"add chain inet closed output {chain}",
                  f"add rule inet closed output {what} drop"):  # fmt: skip
        assert node.command("nft", words).returncode == 0, words
    try:
        yield
    finally:
        assert node.command("nft", "delete table inet closed").returncode == 0


def test_a_link_that_loses_packets_is_told_with_how_many(whole: Hall) -> None:
    faults.delay(whole.lab, "gamma", 0, loss_percent=30, link=1)
    try:
        found = eventually("packets were lost", lambda: told(whole.look()["loss"]), 3 * CHECK_S)
    finally:
        faults.delay(whole.lab, "gamma", 0)
    assert found["why"] and found["advice"] and "were lost on link 1." in found["sentence"]


def told(found: dict[str, Any]) -> dict[str, Any] | None:
    """Of a row that chance may spare."""
    return found if found["severity"] in ("warning", "error") else None


def test_a_delayed_link_is_too_slow(whole: Hall) -> None:
    faults.delay(whole.lab, "gamma", 8, link=1)  # each way
    try:
        found = whole.look()["round-trip"]
    finally:
        faults.delay(whole.lab, "gamma", 0)
    assert found["severity"] in ("warning", "error") and "link 1" in found["sentence"], found


def test_a_small_mtu_is_found_by_what_is_set_and_by_what_passes(whole: Hall) -> None:
    whole.gamma.command("ip", "link", "set", "link1", "mtu", "1000")
    try:
        found = whole.look()["mtu"]
    finally:
        whole.gamma.command("ip", "link", "set", "link1", "mtu", "1500")
    assert found["severity"] == "error" and "link 1" in found["sentence"], found


def test_leftovers_are_found_and_put_into_a_backup(whole: Hall) -> None:
    key = "/etc/corosync/authkey"
    assert whole.gamma.command("sh", "-c", f"head -c 256 /dev/zero > {key}").returncode == 0
    found = whole.look()
    assert found["key-present"]["severity"] == "error" and found["leftovers"]["fix"] == "remove-leftovers"
    ran = whole.gamma.pvecm("leftovers", "remove")
    assert ran.returncode == 0 and "leftovers-" in ran.stdout and key in ran.stdout
    assert whole.gamma.command("test", "-e", key).returncode == 1
    assert whole.look()["leftovers"]["severity"] == "ok"


def test_an_address_of_a_member_is_not_free(whole: Hall) -> None:
    found = worst(whole.rows_of_the_api(link0=whole.lab.address("beta", 0)))
    assert (found["unique-address"]["severity"], found["unique-address"]["fix"]) == ("error", "choose-address")
    assert found["address-not-local"]["severity"] == "error"


def test_ssh_that_is_absent_is_only_information(whole: Hall) -> None:
    found = whole.look()["ssh"]
    assert (found["severity"], found["sentence"]) == ("info", "SSH does not answer on gamma, port 22.")


def test_members_look_for_nobody_who_shows_neither_token_nor_right(whole: Hall) -> None:
    asked = {
        "node": "gamma", "address": whole.lab.address("gamma"), "port": 8006, "nonce": "00" * 16,
        "link0": whole.lab.address("gamma"), "token": "A" * 43, "time": 1,
    }  # fmt: skip
    with pytest.raises(Refused) as refused:
        whole.visit.first.post("/cluster/config/tokens/preflight", **asked)
    assert refused.value.status in (400, 401, 403)


def test_members_are_looked_at_and_compared_at_any_time(whole: Hall) -> None:
    alpha = whole.visit.first
    found = worst(alpha.get("/cluster/config/check"))
    assert {found[code]["severity"] for code in ("engine", "quorum", "udp", "tcp", "clock", "version")} == {"ok"}
    said = alpha.get("/cluster/config/verify")
    assert [each for each in said["findings"] if each["severity"] == "error"] == []
    assert all(node["online"] and node["corosync"] and node["certificate"] for node in said["nodes"])
    with contextlib.suppress(Refused):
        whole.gamma.get("/cluster/config/verify")
        raise AssertionError("a node of its own has nothing to compare")


# --- a machine on which much is wrong, looked at once from the command line and once through the API ------------------


@pytest.fixture(scope="module")
def misfortune(hall: Hall, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[dict[str, Any]]]]:
    alpha = hall.visit.first
    listed = alpha.post("/cluster/config/nodes/gamma", **hall.links, apiversion=1)  # as if it were a member already
    try:
        with unlucky(hall.gamma, hall.visit["beta"], hall.lab, tmp_path_factory.mktemp("unlucky")):
            yield {"cli": hall.rows("--nodeid", "2"), "api": hall.rows_of_the_api(nodeid=2)}
    finally:
        alpha.post("/cluster/config/nodes/gamma/undo", undo_token=listed["undo_token"])


@pytest.mark.parametrize(
    ("code", "severity", "words"),
    [
        ("names", "warning", ["beta resolves to 10.77.0.2 on alpha", "10.99.99.99 on gamma"]),
        ("unique-name", "error", ["The cluster lists a node named gamma already."]),
        ("unique-id", "error", ["beta has the node id 2 already."]),
        ("version", "warning", ["Different versions of Quire run:", "0.0.9 on gamma"]),
        ("engine-version", "error", ["Different versions of corosync run:", "2.4.5 on gamma"]),
        ("space", "error", ["gamma has ", " MiB free for the store."]),
        ("cpu", "warning", ["Processors of different makers:", "AuthenticOther on gamma"]),
        ("clock", "warning", ["The clock of ", " s behind this node's."]),
        ("time-source", None, ["chrony"]),  # whether that keeps it is the kernel's to say
        ("ssh", "info", ["SSH answers on gamma, port 22."]),
        ("shared-network", "warning", ["Link 1 of gamma: ", "NFS"]),
        ("bond", "error", ["Link 0 of gamma runs over a bond in mode balance-rr, which corosync does not bear."]),
    ],
)
def test_each_misfortune_is_told_with_its_code_and_sentence_by_command_and_api(
    misfortune: dict[str, list[dict[str, Any]]], code: str, severity: str | None, words: list[str]
) -> None:
    for way, rows in misfortune.items():
        of_code = [row for row in rows if row["code"] == code]
        found = next((row for row in of_code if all(part in row["sentence"] for part in words)), None)
        assert found is not None and severity in (None, found["severity"]), (way, of_code)
        assert found["severity"] not in ("warning", "error") or (found["why"] and found["advice"]), found
