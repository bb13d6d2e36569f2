"""What is wrong with links: one condition for one cause, whether it touches two nodes or thirty-two."""

from __future__ import annotations

from collections.abc import Iterable

from cluster.alerts.condition import Condition
from cluster.alerts.link_conditions import folded, link_conditions
from cluster.model import LinkState, NodeState

TRIO = ("alpha", "beta", "gamma")
HALL = tuple(f"n{number:02}" for number in range(1, 33))
THRESHOLD_MS = 10.0


def seen_by(
    me: str, names: Iterable[str], *, down: Iterable[str] = (), slow: Iterable[str] = (), before: Iterable[str] = (),
    gone: str = "", latency_us: int = 12_000,
) -> dict[str, Condition]:  # fmt: skip
    """What `me` finds where its link 0 to `down` is down and that to `slow` is slow."""
    numbered = dict(enumerate(names, 1))
    peers = {number: NodeState(name, number, 1, online=name != gone) for number, name in numbered.items() if name != me}
    links = [
        LinkState(number, 0, node.name not in down, latency_us if node.name in slow else 300)
        for number, node in peers.items()
    ]
    found = link_conditions(me, links, peers, THRESHOLD_MS, set(before))
    return {one.key: one for one in found}


def all_together(names: Iterable[str], wrong: dict[str, set[str]], kind: str = "down") -> dict[str, Condition]:
    """What the leader counts: everything that each of them finds, folded."""
    found: dict[str, Condition] = {}
    for me in names:
        found |= seen_by(me, names, **{kind: wrong.get(me, set())})  # type: ignore[arg-type]
    return folded(found, list(names))


def without(name: str, names: tuple[str, ...]) -> dict[str, set[str]]:
    """Who has trouble towards whom, when one node's cable is out."""
    return {other: {name} for other in names if other != name} | {name: set(names) - {name}}


def test_a_link_between_two_has_one_name_from_both_ends() -> None:
    assert list(seen_by("alpha", TRIO, down=["beta"])) == list(seen_by("beta", TRIO, down=["alpha"]))
    assert seen_by("beta", TRIO, slow=["alpha"])["latency/alpha-beta/0"].sentence == (
        "Link 0 from beta to alpha takes more than 10 ms."
    )


def test_a_link_to_a_node_that_is_gone_is_not_told() -> None:
    assert seen_by("alpha", TRIO, down=["beta"], gone="beta") == {}


def test_a_cable_that_is_out_is_one_condition_of_its_node() -> None:
    for names in (TRIO, HALL):
        found = all_together(names, without(names[1], names))
        assert list(found) == [f"link-down/{names[1]}/0"]
        others = len(names) - 1
        assert found[f"link-down/{names[1]}/0"].sentence == (
            f"Link 0 of {names[1]} is down towards {others} of {others} nodes."
        )


def test_a_switch_that_fails_is_one_condition_for_each_node_and_no_more() -> None:
    for kind, key in (("down", "link-down"), ("slow", "latency")):
        found = all_together(HALL, {me: set(HALL) - {me} for me in HALL}, kind)
        assert sorted(found) == [f"{key}/{name}/0" for name in HALL]


def test_names_with_dashes_are_not_mistaken_for_each_other() -> None:
    names = ("a", "a-b", "b", "c")
    found = all_together(names, without("a", names) | {"a-b": {"a", "c"}, "c": {"a", "a-b"}})
    assert "link-down/a/0" in found
    pair = all_together(names, {"a-b": {"c"}, "c": {"a-b"}, "a": {"b"}, "b": {"a"}})
    assert sorted(pair) == ["link-down/a-b-c/0", "link-down/a-b/0"]


def test_a_latency_that_wobbles_is_one_condition_with_one_sentence() -> None:
    key = "latency/alpha-beta/0"
    assert seen_by("alpha", TRIO, slow=["beta"], latency_us=6_000) == {}
    eased = seen_by("alpha", TRIO, slow=["beta"], latency_us=6_000, before=[key])
    assert eased[key].sentence == "Link 0 from alpha to beta takes more than 5 ms."
    sentences = {seen_by("alpha", TRIO, slow=["beta"], latency_us=us)[key].sentence for us in (20_100, 34_000, 49_900)}
    assert sentences == {"Link 0 from alpha to beta takes more than 20 ms."}
