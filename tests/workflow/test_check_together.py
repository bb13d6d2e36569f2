"""Pre-flight from both sides over fakes: what is told when, and what is asked of whom."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster.core.survey import Way
from cluster.errors import PeerRefused
from cluster.model import Link
from cluster.secret import Secret
from cluster.workflow.check_together import check_create, check_join
from cluster.workflow.clock import SystemClock
from cluster.workflow.fake_surveyor import PASSES, FakeSurveyor
from cluster.workflow.join_plan import plan_join
from cluster.workflow.surveyor import Measured
from tests.workflow.world import ADDRESSES, FINGERPRINTS, PASSWORD

PORT = 8006


class Flight:
    """beta looks whether it can join alpha's cluster. alpha answers with `says`."""

    def __init__(self, world):
        self.world, self.surveyor = world, FakeSurveyor("beta")
        self.member = FakeSurveyor("alpha")
        self.ways = [Way("beta", "alpha", 0, "udp", 5405, True, 0.5, 0.0, 1500, True)]
        self.apart_s, self.told, self.batches = 0.0, [], 0
        self.refuses = False

    async def run(self, **wishes):
        host = self.world.beta
        wishes = {"password": Secret(PASSWORD), **wishes}
        plan = plan_join(host, "10.0.0.1", FINGERPRINTS["10.0.0.1"], **wishes)
        await check_join(host, self.surveyor, PORT, plan, self.peer, SystemClock(), self.tell)
        return {one.code: one for one in reversed(self.told)}

    def tell(self, findings):
        self.batches += 1
        self.told += findings

    def peer(self, address, fingerprint):
        return FlightPeer(self, self.world.peer(address, fingerprint))


class FlightPeer:
    def __init__(self, flight, real):
        self.flight, self.real = flight, real

    async def login(self, username, password):
        return FlightSession(self.flight, await self.real.login(username, password))


class FlightSession:
    def __init__(self, flight, real):
        self.flight, self.real = flight, real

    async def get(self, path):
        said = await self.real.get(path)
        for node in said["nodelist"]:
            node["pve_addr"] = ADDRESSES[node["name"]]
        return said

    async def post(self, path, /, **params):
        assert path == "/cluster/config/preflight"
        self.flight.asked = params
        if self.flight.refuses:
            raise PeerRefused("no such method")
        facts = await self.flight.member.facts({0: "10.0.0.1"}, ["alpha", "beta"])
        plain = {name: getattr(facts, name) for name in type(facts).__dataclass_fields__}
        plain["links"] = [{"number": 0, "address": "10.0.0.1", "interface": "eth0", "mtu": 1500}]
        ways = [{name: getattr(way, name) for name in type(way).__dataclass_fields__} for way in self.flight.ways]
        now_s = SystemClock().unix_s() + self.flight.apart_s
        return {"nodes": [{"facts": plain, "ways": ways, "apart_s": 0}], "now_s": now_s, "took_s": 0.0}


@pytest.fixture
async def flight(world):
    await world.create(world.alpha)
    return Flight(world)


async def test_both_sides_look_and_every_row_is_told(flight):
    found = await flight.run()
    assert {code for code, one in found.items() if one.severity in ("error", "warning")} == set()
    assert found.keys() >= {
        "membership", "engine", "key", "content", "link", "leftovers", "peer", "link-numbers", "unique-name",
        "unique-address", "unique-id", "time-source", "space", "shared-network", "bond", "ssh", "udp", "tcp",
        "round-trip", "loss", "mtu", "clock", "names", "version", "engine-version", "cpu",
    }  # fmt: skip
    assert flight.batches > 6, "rows come as they are found"


async def test_nothing_is_changed_on_either_side_and_only_the_cluster_s_own_ports_are_tried(flight):
    before = flight.world.alpha.disk.snapshot(), flight.world.beta.disk.snapshot()
    await flight.run()
    assert (flight.world.alpha.disk.snapshot(), flight.world.beta.disk.snapshot()) == before
    assert flight.surveyor.tried == [("10.0.0.1", PORT)]
    assert flight.asked.keys() == {"node", "address", "port", "nonce", "link0"}


async def test_what_the_member_cannot_reach_is_an_error_here(flight):
    flight.ways = [
        Way("beta", "alpha", 0, "udp", 5405, False),
        Way("alpha", "beta", 0, "tcp", PORT, False, address="x"),
    ]
    found = await flight.run()
    assert found["udp"].severity == found["tcp"].severity == "error"


async def test_what_does_not_come_in_here_is_an_error_though_it_goes_out(flight):
    flight.surveyor.ways[0, "10.0.0.1"] = Measured(False)
    found = await flight.run()
    assert found["udp"].severity == "error" and "of beta cannot be reached from alpha" in found["udp"].sentence


async def test_a_clock_that_is_apart_is_found_by_the_member_s_answer(flight):
    flight.apart_s = 7.0
    found = await flight.run()
    assert found["clock"].severity == "warning" and "7.0 s ahead" in found["clock"].sentence


async def test_facts_of_both_are_compared(flight):
    flight.member.own = replace(flight.member.own, cpu_vendor="AuthenticAMD", cpu_model="B", version="9.9")
    flight.member.knows = {"beta": ("10.9.9.9",)}
    flight.surveyor.knows = {"beta": ("10.0.0.2",)}
    found = await flight.run()
    assert {found[code].severity for code in ("cpu", "version", "names")} == {"warning"}


async def test_an_address_or_name_that_is_taken_is_found_before_anything_is_asked_for(flight):
    await flight.world.join(flight.world.beta, flight.world.alpha)
    gamma = flight.world.gamma
    flight.world.beta, gamma.name = gamma, "beta"
    gamma.addresses["10.0.0.2"] = "eth0"
    found = await flight.run(links={0: "10.0.0.1"})
    assert found["unique-name"].severity == "error"
    assert (found["unique-address"].severity, found["unique-address"].fix) == ("error", "choose-address")


async def test_a_wrong_password_is_told_and_this_side_is_looked_at_all_the_same(flight):
    found = await flight.run(password=Secret("wrong"))
    assert found["peer"].severity == "error" and "space" in found and "udp" not in found


async def test_a_cluster_whose_version_cannot_look_is_a_warning(flight):
    flight.refuses = True
    found = await flight.run()
    assert found["peer"].severity in ("ok", "warning") and any("cannot look" in one.sentence for one in flight.told)
    assert found["tcp"].severity == "ok"


async def test_create_looks_at_this_side_alone(world):
    told, surveyor = [], FakeSurveyor("alpha", left=("/etc/corosync/authkey",))
    await check_create(world.alpha, surveyor, (Link(0, "10.0.0.1"),), told.extend)
    found = {one.code: one for one in told}
    assert found["leftovers"].fix == "remove-leftovers" and found["space"].severity == "ok"
    assert await surveyor.set_leftovers_aside() and await surveyor.leftovers() == ()


async def test_an_address_that_is_not_this_host_s_can_be_chosen_anew(world):
    told = []
    await check_create(world.alpha, FakeSurveyor("alpha"), (Link(0, "10.7.7.7"),), told.extend)
    (found,) = [one for one in told if one.code == "address-not-local"]
    assert (found.severity, found.fix) == ("error", "choose-address") and PASSES.heard
