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

pytestmark = [pytest.mark.corosync, pytest.mark.slow, pytest.mark.timeout(300)]
CHECK_S = 60


@dataclass
class Hall:
    """alpha and beta are a cluster, gamma is none of it yet."""

    visit: Visit
    lab: Lab
    invitation: str

    @property
    def gamma(self) -> Visited:
        return self.visit["gamma"]

    def look(self) -> dict[str, dict[str, Any]]:
        """The worst finding of each code, as gamma tells it from the command line."""
        links = [f"--link{link}={self.lab.address('gamma', link)}" for link in (0, 1)]
        ran = self.gamma.pvecm("check", "join", self.invitation, *links, "--output-format", "json", timeout_s=CHECK_S)
        assert ran.returncode in (0, 1), ran.stdout + ran.stderr
        return worst(json.loads(ran.stdout))


def worst(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    order = ("ok", "info", "warning", "error")
    return {row["code"]: row for row in sorted(rows, key=lambda row: order.index(row["severity"]))}


@pytest.fixture(scope="module")
def hall() -> Iterator[Hall]:
    with demo_of("corosync", 3) as visit:
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
    text = whole.gamma.post(
        "/cluster/config/check", invitation=whole.invitation, link0=whole.lab.address("beta", 0),
        link1=whole.lab.address("gamma", 1),
    )  # fmt: skip
    found = worst(through_the_api(whole.gamma, text["id"]))
    assert (found["unique-address"]["severity"], found["unique-address"]["fix"]) == ("error", "choose-address")
    assert found["address-not-local"]["severity"] == "error"


def through_the_api(node: Visited, id_: str) -> list[dict[str, Any]]:
    eventually("the check is done", lambda: node.get(f"/cluster/config/check/{id_}")["done"], CHECK_S)
    return list(node.get(f"/cluster/config/check/{id_}")["findings"])


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
