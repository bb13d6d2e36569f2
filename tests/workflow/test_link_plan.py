"""The plan of a change of links: one at a time, always one that works, and one way back."""

from __future__ import annotations

import pytest

from cluster.corosync import conf
from cluster.errors import Conflict, InvalidInput, NotFound
from cluster.model import Link, LinkState, Node
from cluster.workflow import link_trial
from cluster.workflow.change_links import unheard
from cluster.workflow.link_plan import LinkWish, plan_links, read_wish, way_back


def cluster(links: int = 2) -> conf.Document:
    def node(name: str, number: int) -> Node:
        return Node(name, number, 1, tuple(Link(link, f"10.{link}.0.{number}") for link in range(links)))

    return conf.add_node(conf.new("office", node("alpha", 1)), node("beta", 2))


def moved(number: int, network: int) -> LinkWish:
    return LinkWish(number, {"alpha": f"10.{network}.0.1", "beta": f"10.{network}.0.2"})


def test_all_links_move_one_after_the_other_and_the_way_back_is_above_them_all() -> None:
    before = cluster()
    plan = plan_links(before, [moved(1, 21), moved(0, 20)])
    assert [step.title for step in plan.steps] == [
        "Take link 0 out for its new addresses", "Put link 0 back",
        "Take link 1 out for its new addresses", "Put link 1 back",
    ]  # fmt: skip
    assert [step.document.config_version for step in plan.steps] == [3, 4, 5, 6]
    assert [link.address for link in plan.steps[1].document.nodes()[0].links] == ["10.20.0.1", "10.1.0.1"]
    assert plan.fallback.nodes() == before.nodes() and plan.fallback.config_version == 24
    assert plan.needed == (
        ("alpha", "10.20.0.1"), ("alpha", "10.21.0.1"), ("beta", "10.20.0.2"), ("beta", "10.21.0.2"),
    )  # fmt: skip


def test_adding_comes_first_and_removing_last() -> None:
    plan = plan_links(cluster(1), [LinkWish(0, {}, remove=True), moved(3, 23)])
    assert [step.title for step in plan.steps] == ["Add link 3", "Remove link 0"]
    assert plan.steps[-1].document.link_numbers() == (3,)


def test_a_priority_alone_is_a_change_and_addresses_stay() -> None:
    (step,) = plan_links(cluster(), [read_wish(1, "priority=20", allow_loopback=False)]).steps
    assert [(link.number, link.address, link.priority) for link in step.document.nodes()[1].links] == [
        (0, "10.0.0.2", None), (1, "10.1.0.2", 20),
    ]  # fmt: skip


def test_the_only_link_moves_to_another_number() -> None:
    plan = plan_links(cluster(1), [moved(0, 20)])
    assert plan.warnings == ("Link 0 is the only one, so its new addresses become link 1.",)
    assert [step.title for step in plan.steps] == ["Add link 1", "Remove link 0"]


@pytest.mark.parametrize("stands", range(5))
def test_from_wherever_a_change_stands_there_is_a_way_back_to_one_and_the_same_file(stands: int) -> None:
    before = cluster()
    plan = plan_links(before, [moved(0, 20), moved(1, 21)])
    stand = [before, *(step.document for step in plan.steps)][stands]
    back = way_back(stand, plan.fallback)
    versions = [document.config_version for document in (stand, *back)]
    assert versions == sorted(set(versions)) and conf.render(back[-1]) == conf.render(plan.fallback)
    for earlier, later in zip((stand, *back), back, strict=False):
        alike = [(one.links, other.links) for one, other in zip(earlier.nodes(), later.nodes(), strict=True)]
        for had, has in alike:
            known = {link.number: link.address for link in had}
            assert has and all(known.get(link.number, link.address) == link.address for link in has)


@pytest.mark.parametrize(
    "wish, error, words",
    [
        (LinkWish(4, {"alpha": "10.4.0.1"}), InvalidInput, "beta needs an address on link 4"),
        (LinkWish(0, {"gamma": "10.4.0.1"}), InvalidInput, "gamma is not a node"),
        (LinkWish(0, {"alpha": "10.1.0.2"}), Conflict, "10.1.0.2 is given to"),
        (LinkWish(5, {}, remove=True), NotFound, "no link 5"),
        (LinkWish(0, {"alpha": "10.0.0.1"}), InvalidInput, "like this already"),
        (LinkWish(0, {}, priority=300), InvalidInput, "from 0 to 255"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(wish: LinkWish, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        plan_links(cluster(), [wish])


def test_the_last_link_stays() -> None:
    with pytest.raises(Conflict, match="only one"):
        plan_links(cluster(1), [LinkWish(0, {}, remove=True)])


def test_wishes_are_read_from_text() -> None:
    wish = read_wish(0, "alpha=10.0.0.1, beta=fd00::2,priority=7", allow_loopback=False)
    assert wish == LinkWish(0, {"alpha": "10.0.0.1", "beta": "fd00::2"}, 7)
    for text in ("", "10.0.0.1", "alpha=10.0.0.1,alpha=10.0.0.2", "alpha=127.0.0.1", "priority=x"):
        with pytest.raises(InvalidInput):
            read_wish(0, text, allow_loopback=False)


def test_a_link_counts_when_both_ends_hear_each_other_at_the_new_address() -> None:
    plan = plan_links(cluster(2), [moved(0, 20), LinkWish(1, {}, remove=True)])
    document = plan.steps[-1].document

    def hears(peer: int, address: str, up: bool = True, link: int = 0) -> LinkState:
        return LinkState(peer, link, up, peer_address=address)

    new = {1: (hears(2, "10.20.0.2"),), 2: (hears(1, "10.20.0.1"),)}
    assert unheard(document, new) == ""
    assert "alpha does not hear beta" in unheard(document, {**new, 1: (hears(2, "10.0.0.2"),)})
    assert "beta does not hear alpha" in unheard(document, {**new, 2: (hears(1, "10.20.0.1", up=False),)})
    assert "beta still uses link 1" in unheard(document, {**new, 2: (*new[2], hears(1, "10.1.0.1", link=1))})
    assert "does not hear" in unheard(document, {1: new[1]})


def test_an_unconfirmed_change_is_back_when_its_time_is_over() -> None:
    assert link_trial.lasts_s(60, 4) == 44
    for confirm_s, steps in ((10, 1), (20, 5), (601, 1)):
        with pytest.raises(InvalidInput, match="is back is from"):
            link_trial.lasts_s(confirm_s, steps)


def test_a_record_that_cannot_be_read_is_no_trial() -> None:
    trial = link_trial.Trial("1", "root@pam", 1.0, 60, "totem {}", "totem {}")
    assert link_trial.decode(link_trial.encode(trial)) == trial
    assert link_trial.decode(None) is None and link_trial.decode(b"{") is None
    link_trial.check_none(None)
    with pytest.raises(Conflict, match="on trial already"):
        link_trial.check_none(trial)
