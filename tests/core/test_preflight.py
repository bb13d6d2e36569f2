"""What is found before nodes come together: a test for each thing that is looked at, good and bad."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster.core import preflight as judge
from cluster.core.findings import WHY, Finding
from cluster.core.survey import LinkFacts, Listed, NodeFacts, Wanted, Way

ALPHA = NodeFacts(
    "alpha", 100.0, "chrony", True, "0.1.0", "3.1.7", "GenuineIntel", "A Processor", 9 << 30, True,
    (LinkFacts(0, "10.0.0.1", "eth0", 1500),), {"alpha": ("10.0.0.1",), "beta": ("10.0.0.2",)},
    "3.1.7-1+deb12u2",
)  # fmt: skip
BETA = replace(ALPHA, name="beta", links=(LinkFacts(0, "10.0.0.2", "eth0", 1500),))
FIXED = ("engine-fixes", "ok")
THERE = Way("beta", "alpha", 0, "udp", 5405, True, 0.4, 0.0, 1500, True)
BACK = Way("alpha", "beta", 0, "udp", 5405, True)
SITE = Way("beta", "alpha", 0, "tcp", 8006, True, address="10.0.0.1")


def told(found: list[Finding]) -> list[tuple[str, str]]:
    return [(one.code, one.severity) for one in found]


def one(found: list[Finding], code: str) -> Finding:
    (only,) = [each for each in found if each.code == code]
    return only


def test_where_all_is_well_every_look_says_so() -> None:
    found = judge.about_ways([THERE, BACK, SITE, replace(SITE, source="alpha", target="beta")])
    assert told(found) == [(code, "ok") for code in ("udp", "tcp", "round-trip", "loss", "mtu")]


def test_udp_that_does_not_come_through_is_named_with_port_link_and_direction() -> None:
    for closed in (replace(THERE, passed=False, round_trip_ms=None, loss=None, size_passed=None),
                   replace(BACK, passed=False)):  # fmt: skip
        other = BACK if closed.source == "beta" else replace(THERE, loss=None, round_trip_ms=None, size_passed=None)
        found = one(judge.about_ways([closed, other]), "udp")
        assert found.severity == "error" and found.advice
        assert f"UDP port 5405 of {closed.target} cannot be reached from {closed.source} on link 0." == found.sentence


def test_many_closed_ways_are_counted_after_the_first_few() -> None:
    ways = [replace(BACK, link=link, port=5405 + link, passed=False) for link in range(8)]
    found = judge.about_ways(ways)
    assert len(found) == judge.NAMED_MAX + 1 and "4 more" in found[-1].sentence


def test_where_nobody_may_look_at_a_port_that_is_said_and_nothing_is_claimed() -> None:
    assert told(judge.about_ways([replace(BACK, passed=None)])) == [("udp", "info")]


def test_tcp_to_a_site_that_does_not_answer_is_an_error_either_way() -> None:
    for closed in (replace(SITE, passed=False), replace(SITE, source="alpha", target="beta", passed=False)):
        found = one(judge.about_ways([closed]), "tcp")
        assert (found.severity, found.node) == ("error", closed.target) and "10.0.0.1" in found.sentence


@pytest.mark.parametrize(("ms", "severity"), [(4.9, "ok"), (8.0, "warning"), (25.0, "error")])
def test_the_longest_round_trip_decides(ms: float, severity: str) -> None:
    found = one(judge.about_ways([THERE, replace(THERE, link=1, port=5406, round_trip_ms=ms)]), "round-trip")
    assert found.severity == severity and f"{ms:.1f} ms" in found.sentence and "link 1" in found.sentence


@pytest.mark.parametrize(("loss", "severity"), [(0.0, "ok"), (0.1, "warning"), (0.3, "error")])
def test_lost_packets_are_told_as_a_share(loss: float, severity: str) -> None:
    assert one(judge.about_ways([replace(THERE, loss=loss)]), "loss").severity == severity


def test_large_packets_that_do_not_pass_where_small_ones_do_are_an_error() -> None:
    found = one(judge.about_ways([replace(THERE, size_passed=False)]), "mtu")
    assert found.severity == "error" and "1500 bytes" in found.sentence


def test_interfaces_of_different_mtu_are_a_warning_and_one_too_small_an_error() -> None:
    assert judge.about_mtus([ALPHA, BETA]) == []
    jumbo = replace(BETA, links=(LinkFacts(0, "10.0.0.2", "eth0", 9000),))
    assert told(judge.about_mtus([ALPHA, jumbo])) == [("mtu", "warning")]
    tiny = replace(BETA, links=(LinkFacts(0, "10.0.0.2", "eth0", 1000),))
    assert told(judge.about_mtus([ALPHA, tiny])) == [("mtu", "error")]


@pytest.mark.parametrize(("seconds", "severity"), [(0.4, "ok"), (-7.0, "warning"), (90.0, "error")])
def test_a_clock_that_is_apart_is_told_with_its_direction(seconds: float, severity: str) -> None:
    (found,) = judge.about_clocks([("alpha", seconds)])
    assert found.severity == severity
    if severity != "ok":
        assert ("ahead of" if seconds > 0 else "behind") in found.sentence


def test_the_source_of_a_clock_is_told_and_missed() -> None:
    assert "by chrony" in judge.about_time_source(ALPHA)[0].sentence
    assert told(judge.about_time_source(replace(ALPHA, synchronised=False))) == [("time-source", "warning")]
    nothing = judge.about_time_source(replace(ALPHA, time_source="", synchronised=None))
    assert told(nothing) == [("time-source", "warning")] and "chrony" in nothing[0].advice


def test_a_name_that_resolves_differently_is_told_and_one_unknown_somewhere_is_not() -> None:
    assert told(judge.about_names([ALPHA, BETA])) == [("names", "ok")]
    assert told(judge.about_names([ALPHA, replace(BETA, resolves={"alpha": ()})])) == [("names", "ok")]
    astray = replace(BETA, resolves={"alpha": ("10.9.9.9",)})
    (found,) = judge.about_names([ALPHA, astray])
    assert found.severity == "warning" and "10.9.9.9 on beta" in found.sentence


def test_a_name_that_is_a_loopback_address_elsewhere_is_told() -> None:
    (found,) = judge.about_names([ALPHA, replace(BETA, resolves={"alpha": ("127.0.1.1", "10.0.0.1")})])
    assert found.severity == "ok"
    (found,) = judge.about_names([ALPHA, replace(BETA, resolves={"alpha": ("127.0.1.1",)})])
    assert found.severity == "warning" and "127.0.1.1 on beta" in found.sentence


def test_name_address_and_id_are_each_unique_or_told() -> None:
    members = [Listed("alpha", 1, {0: "10.0.0.1"}), Listed("beta", 2, {0: "10.0.0.2"})]
    fine = judge.about_uniqueness(Wanted("gamma", {0: "10.0.0.3"}, 3), members)
    assert told(fine) == [("unique-name", "ok"), ("unique-address", "ok"), ("unique-id", "ok")]
    found = judge.about_uniqueness(Wanted("beta", {0: "10.0.0.1"}, 1), members)
    assert told(found) == [("unique-name", "error"), ("unique-address", "error"), ("unique-id", "error")]
    assert one(found, "unique-address").fix == "choose-address" and one(found, "unique-address").firm


def test_versions_of_ours_and_of_corosync_are_compared() -> None:
    assert told(judge.about_versions([ALPHA, BETA])) == [("version", "ok"), ("engine-version", "ok"), FIXED]
    newer = replace(BETA, version="0.2.0", corosync="3.1.11")
    assert told(judge.about_versions([ALPHA, newer])) == [("version", "warning"), ("engine-version", "info"), FIXED]
    other = judge.about_versions([ALPHA, replace(BETA, corosync="2.4.5")])
    assert one(other, "engine-version").severity == "error"


@pytest.mark.parametrize(("free", "severity"), [(9 << 30, "ok"), (100 << 20, "warning"), (1 << 20, "error")])
def test_free_space_is_told_in_three_degrees(free: int, severity: str) -> None:
    assert told(judge.about_space(replace(ALPHA, free_bytes=free))) == [("space", severity)]


def test_processors_of_another_maker_warn_and_of_another_model_inform() -> None:
    assert told(judge.about_processors([ALPHA, BETA])) == [("cpu", "ok")]
    assert told(judge.about_processors([ALPHA, replace(BETA, cpu_model="Another")])) == [("cpu", "info")]
    amd = replace(BETA, cpu_vendor="AuthenticAMD", cpu_model="Another")
    assert told(judge.about_processors([ALPHA, amd])) == [("cpu", "warning")]


def test_ssh_is_information_whether_it_answers_or_not() -> None:
    assert told(judge.about_ssh(ALPHA)) == told(judge.about_ssh(replace(ALPHA, ssh=False))) == [("ssh", "info")]


def test_a_network_shared_with_heavy_traffic_is_named() -> None:
    assert told(judge.about_shared_networks(ALPHA)) == [("shared-network", "ok")]
    shared = replace(ALPHA, links=(LinkFacts(0, "10.0.0.1", "eth0", 1500, shared="NFS storage is used here."),))
    (found,) = judge.about_shared_networks(shared)
    assert found.severity == "warning" and "NFS" in found.sentence


@pytest.mark.parametrize(
    ("mode", "lacp", "severity"),
    [("", "", "ok"), ("active-backup", "", "ok"), ("802.3ad", "fast", "ok"), ("802.3ad", "slow", "warning"),
     ("balance-rr", "", "error"), ("broadcast", "", "error"), ("balance-alb", "", "error")],
)  # fmt: skip
def test_bonds_are_judged_by_their_mode(mode: str, lacp: str, severity: str) -> None:
    links = (LinkFacts(0, "10.0.0.1", "bond0", 1500, mode, lacp),)
    assert told(judge.about_bonds(replace(ALPHA, links=links))) == [("bond", severity)]


def test_leftovers_are_named_and_can_be_put_away() -> None:
    assert told(judge.about_leftovers(())) == [("leftovers", "ok")]
    (found,) = judge.about_leftovers(("/etc/corosync/authkey",))
    assert (found.severity, found.fix) == ("warning", "remove-leftovers") and "authkey" in found.sentence


def test_what_is_found_says_why_it_matters() -> None:
    found = [
        *judge.about_ways([THERE, SITE]), *judge.about_clocks([("alpha", 9.0)]), *judge.about_time_source(ALPHA),
        *judge.about_names([ALPHA]), *judge.about_uniqueness(Wanted("x", {}), []), *judge.about_versions([ALPHA]),
        *judge.about_space(ALPHA), *judge.about_processors([ALPHA]), *judge.about_ssh(ALPHA),
        *judge.about_shared_networks(ALPHA), *judge.about_bonds(ALPHA), *judge.about_leftovers(()),
    ]  # fmt: skip
    assert {each.code for each in found} <= WHY.keys() and all(each.why for each in found)
