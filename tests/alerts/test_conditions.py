"""What is wrong, out of what a node knows of the cluster."""

from __future__ import annotations

from dataclasses import replace

from cluster.alerts.conditions import THRESHOLDS, Facts, conditions
from cluster.model import (
    ClusterState,
    LinkState,
    NodeState,
    Quorum,
    Revision,
    Sample,
    StoreState,
    WitnessSeen,
    WitnessState,
)

STORE = StoreState(True, "", Revision(1, 1), "")
ALPHA = NodeState("alpha", 1, 1, local=True, online=True, link_states=(LinkState(2, 0, True, 900),))
BETA = NodeState("beta", 2, 1, online=True, sample=Sample(1000.0))
WELL = ClusterState("alpha", "demo", 1, (ALPHA, BETA), Quorum(True, 2, 2, 2), store=STORE)
FACTS = Facts(1000.0, 50.0, 300.0)


def keys(state: ClusterState, facts: Facts = FACTS) -> list[str]:
    return [one.key for one in conditions(state, facts, THRESHOLDS)]


def with_link(link: LinkState) -> ClusterState:
    return replace(WELL, nodes=(replace(ALPHA, link_states=(link,)), BETA))


def test_nothing_is_wrong_when_all_is_well_or_unknown() -> None:
    assert keys(WELL) == keys(ClusterState("alpha", nodes=(ALPHA,)), Facts(0.0)) == []


def test_quorum_lost_says_more_than_the_store_that_is_closed_by_it() -> None:
    lost = replace(WELL, quorum=Quorum(False, 2, 1, 2), store=replace(STORE, writable=False, reason="Votes."))
    assert keys(lost) == ["quorum-lost/alpha"]
    assert keys(replace(WELL, store=replace(STORE, writable=False))) == ["store-read-only/alpha"]


def test_disk_and_certificate_have_thresholds() -> None:
    assert keys(WELL, Facts(1000.0, 96.0, 13.0)) == ["disk/alpha", "certificate/alpha"]
    assert keys(replace(WELL, store=replace(STORE, trouble="The disk fails."))) == ["disk/alpha"]


def test_a_link_has_one_name_from_both_ends_and_is_not_told_beside_a_node_that_is_gone() -> None:
    assert keys(with_link(LinkState(2, 1, False))) == ["link-down/alpha-beta/1"]
    assert keys(with_link(LinkState(2, 0, True, 12_000))) == ["latency/alpha-beta/0"]
    gone = replace(with_link(LinkState(2, 1, False)), nodes=(ALPHA, replace(BETA, online=False)))
    assert keys(gone) == ["node-gone/beta"]


def test_clocks_apart() -> None:
    assert keys(replace(WELL, nodes=(ALPHA, replace(BETA, sample=Sample(1030.0))))) == ["clock/beta"]


def test_a_figure_that_wobbles_about_its_threshold_is_one_condition() -> None:
    link, disk = "latency/alpha-beta/0", "disk/alpha"
    for latency_us, percent, found, went_on in (
        (9_000, 94.0, [], [disk, link]),
        (4_000, 92.0, [], []),
        (11_000, 95.0, [disk, link], [disk, link]),
    ):
        state, facts = with_link(LinkState(2, 0, True, latency_us)), Facts(1000.0, percent, 300.0)
        assert keys(state, facts) == found
        assert [one.key for one in conditions(state, facts, THRESHOLDS, {link, disk})] == went_on


def test_a_witness_that_is_gone_for_a_while_has_one_name_on_every_node() -> None:
    def seen(connected: bool, since_s: float, resting: bool = False) -> ClusterState:
        told = (("alpha", WitnessSeen(True, "Connecting", connected, since_s)),)
        return replace(WELL, witness=WitnessState("10.0.0.9", "ffsplit", 1, 0, resting, seen=told))

    assert keys(seen(False, 980.0)) == ["witness-gone/10.0.0.9"]
    assert keys(seen(False, 990.0)) == keys(seen(True, 900.0)) == keys(seen(False, 900.0, resting=True)) == []
    assert keys(replace(WELL, witness=WitnessState())) == []
