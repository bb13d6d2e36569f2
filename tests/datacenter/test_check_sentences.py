"""What checks find, on a German page: every sentence, reason and advice has a pattern, and is said in German."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from django.utils import translation

from cluster.core import preflight as judge
from cluster.core.findings import WHY, Finding
from cluster.core.survey import LinkFacts, Listed, NodeFacts, Wanted, Way
from datacenter.language.sentences import is_known, said

ALPHA = NodeFacts(
    "alpha", 1.0, "chrony", True, "0.1.0", "3.1.7", "GenuineIntel", "A Processor (R) @ 2", 9 << 30, True,
    (LinkFacts(0, "10.0.0.1", "eth0", 1500),), {"alpha": ("10.0.0.1",)},
)  # fmt: skip
UDP = Way("beta", "alpha", 0, "udp", 5405, True, 0.4, 0.0, 1500, True)
TCP = Way("beta", "alpha", 0, "tcp", 8006, True, address="10.0.0.1")


def found() -> Iterator[Finding]:
    closed = [replace(UDP, link=n, passed=False, size_passed=False, loss=0.3, round_trip_ms=9.0) for n in range(6)]
    for ways in ([UDP, TCP], [*closed, replace(TCP, passed=False)], [replace(UDP, passed=None)]):
        yield from judge.about_ways(ways)
    shared = LinkFacts(0, "10.0.0.1", "eth0", 900, "balance-rr", shared="eth0 is down.")
    slow = LinkFacts(0, "10.0.0.1", "eth0", 9000, "802.3ad", "slow")
    fit = LinkFacts(0, "10.0.0.1", "eth0", 9000, "802.3ad", "fast")
    others = [replace(ALPHA, name="beta", links=(link,), free_bytes=free, synchronised=False, time_source=source,
                      ssh=False, version="2", corosync="2.1", cpu_vendor=vendor, cpu_model="B",
                      resolves={"alpha": ("127.0.0.1",)})
              for link, free, source, vendor in ((shared, 1, "ntpd", "AMD"), (slow, 99 << 20, "", "GenuineIntel"),
                                                 (fit, 9 << 30, "chrony", "GenuineIntel"))]  # fmt: skip
    for one in (ALPHA, *others):
        for look in (judge.about_time_source, judge.about_space, judge.about_ssh, judge.about_shared_networks,
                     judge.about_bonds):  # fmt: skip
            yield from look(one)
        for both in (judge.about_mtus, judge.about_names, judge.about_versions, judge.about_processors):
            yield from both([ALPHA, one])
    fixed = replace(ALPHA, corosync_package="3.1.7-1+deb12u2")
    many = [replace(ALPHA, name=f"node{n}", corosync_package="3.1.7-1") for n in range(9)]
    for nodes in ([fixed], [fixed, fixed], many):
        yield from judge.about_versions(nodes)
    yield from judge.about_clocks([("beta", 7.0), ("gamma", -90.0)])
    yield from judge.about_clocks([("beta", 0.2)])
    members = [Listed("alpha", 1, {0: "10.0.0.1"}), Listed("beta", 2, {0: "10.0.0.2"})]
    yield from judge.about_uniqueness(Wanted("gamma", {0: "10.0.0.3"}, 3), members)
    yield from judge.about_uniqueness(Wanted("beta", {0: "10.0.0.1"}, 1), members)
    yield from judge.about_leftovers(("/etc/corosync/authkey",))
    yield from judge.about_leftovers(())


def test_every_sentence_of_a_finding_has_a_pattern() -> None:
    texts = {text for one in found() for text in (one.sentence, one.why, one.advice) if text}
    assert sorted(text for text in texts | set(WHY.values()) if not is_known(text)) == []


def test_values_are_kept_and_the_rest_is_german() -> None:
    (closed,) = judge.about_ways([replace(TCP, passed=False)])
    with translation.override("de"):
        assert said(closed.sentence) == "TCP-Port 8006 von alpha ist von beta aus unter 10.0.0.1 nicht erreichbar."
        assert said(closed.why).startswith("Knoten fragen einander")
