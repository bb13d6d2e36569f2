"""What would be: sides, votes, quorum and the store's own answer, in numbers and in words."""

import pytest

from cluster.core import supposition_text, supposition_words
from cluster.core.quorum import Options
from cluster.core.supposition import Configured, suppose
from cluster.core.witness import Witness
from cluster.errors import InvalidInput
from cluster.model import Link, Node


def nodes(*names, links=2, votes=1):
    return tuple(
        Node(name, number, votes, tuple(Link(link, f"10.{link}.0.{number}") for link in range(links)))
        for number, name in enumerate(names, 1)
    )


THREE = Configured(nodes("alpha", "beta", "gamma"))
FOUR = nodes("alpha", "beta", "gamma", "delta")


def told(configured, **typed):
    supposed = suppose(configured, supposition_text.read(configured.nodes, **typed))
    return supposed, supposition_words.tell(configured, supposed)


def sides(configured, **typed):
    return [(side.nodes, side.votes, side.quorate, side.writable) for side in told(configured, **typed)[0].sides]


def test_nothing_supposed_is_the_cluster_as_it_should_be():
    supposed, words = told(THREE)
    assert sides(THREE) == [(("alpha", "beta", "gamma"), 3, True, True)]
    assert (words.level, words.sentence, words.step) == ("good", "All nodes go on.", "Nothing needs to be done.")
    assert supposed.sides[0].spare_votes == 1


def test_with_one_of_three_off_the_others_go_on_and_not_one_more_may_be_lost():
    supposed, words = told(THREE, off="gamma")
    assert sides(THREE, off="gamma") == [(("alpha", "beta"), 2, True, True)]
    assert words.sides[0][-1] == "Not one more vote may be lost."
    assert words.level == "warning"
    assert words.step.startswith("Start gamma;")


def test_a_split_makes_a_side_that_writes_and_one_that_waits():
    assert sides(THREE, split="alpha/beta,gamma") == [(("beta", "gamma"), 2, True, True), (("alpha",), 1, False, False)]
    words = told(THREE, split="alpha")[1]
    assert words.sentence == "beta and gamma go on."
    assert any(one.startswith("alpha would wait") for one in words.consequences)


def test_without_a_majority_the_fewest_nodes_to_bring_back_are_named():
    words = told(THREE, off="beta,gamma")[1]
    assert words.level == "bad"
    assert words.step.startswith("Bring back beta: with its votes")
    assert any("never came back" in one for one in words.consequences)


def test_the_witness_keeps_one_of_two_quorate_and_does_not_let_it_write():
    configured = Configured(nodes("alpha", "beta"), Options(qdevice_votes=1), Witness())
    assert sides(configured, off="beta") == [(("alpha",), 2, True, False)]
    words = told(configured, off="beta")[1]
    assert words.sentence == "alpha would stay quorate, but nobody could change the configuration."
    assert any("only votes with a disk" in one for one in words.sides[0])
    assert sides(configured, off="beta", witness=False) == [(("alpha",), 1, False, False)]


def test_halves_of_four_have_one_quorate_side_with_a_witness_and_none_without():
    split = "alpha,beta/gamma,delta"
    with_it = Configured(FOUR, Options(qdevice_votes=1), Witness())
    assert [side[2] for side in sides(with_it, split=split)] == [True, False]
    assert [side[2] for side in sides(Configured(FOUR), split=split)] == [False, False]
    assert [side[3] for side in sides(with_it, split=split)] == [False, False]


def test_one_link_off_changes_nothing_and_all_of_them_part_the_nodes():
    assert len(sides(THREE, links="0")) == 1
    assert len(sides(THREE, links="0,1")) == 3
    assert sides(THREE, links="alpha:0,alpha:1")[1][0] == ("alpha",)


def test_a_node_that_sees_only_some_of_a_side_cannot_be_foretold():
    supposed, words = told(THREE, links="alpha:0,gamma:1")
    side = supposed.sides[0]
    assert (side.apart, side.quorate, side.writable) == ((("alpha", "gamma"),), None, None)
    assert "cannot be foretold" in words.sentence
    assert words.step.startswith("Mend the links")


def test_two_quorate_sides_are_called_by_their_name():
    configured = Configured(nodes("alpha", "beta"), Options(two_node=True))
    words = told(configured, split="alpha/beta")[1]
    assert words.sentence.startswith("Split brain")
    assert [side[3] for side in sides(configured, split="alpha/beta")] == [False, False]


def test_nodes_that_start_anew_wait_for_all_where_that_is_on():
    configured = Configured(THREE.nodes, Options(wait_for_all=True))
    supposed, words = told(configured, off="gamma", anew=True)
    assert (supposed.sides[0].quorate, supposed.sides[0].waits_for_all) == (False, True)
    assert any("wait_for_all" in one for one in words.sides[0])


def test_all_nodes_off_leaves_no_side():
    supposed, words = told(THREE, off="alpha,beta,gamma")
    assert supposed.sides == ()
    assert (words.sentence, words.level) == ("No node would run.", "bad")


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"off": "omega"}, "off"),
        ({"split": "alpha/omega"}, "split"),
        ({"split": "alpha/alpha"}, "split"),
        ({"links": "7"}, "links"),
        ({"links": "omega:0"}, "links"),
        ({"links": "alpha"}, "links"),
    ],
)
def test_what_the_cluster_does_not_have_is_refused_by_its_field(typed, field):
    with pytest.raises(InvalidInput) as caught:
        supposition_text.read(THREE.nodes, **typed)
    assert list(caught.value.fields) == [field]
