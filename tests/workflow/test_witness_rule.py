"""When the witness has a vote: put in and taken out as nodes come and go, and one sentence of advice."""

from __future__ import annotations

import pytest

from cluster.corosync import conf
from cluster.corosync.conf.device_edits import device_of, with_device
from cluster.errors import Conflict
from cluster.workflow import witness_rule
from cluster.workflow.remove_node import remove_node
from cluster.workflow.undo_removal import undo_removal
from cluster.workflow.witness_rule import PATH, WitnessRecord, advice, algorithm_for, fitted
from tests.workflow.test_set_up_witness import document_of

RECORD = WitnessRecord("r1", "10.0.0.9", "ffsplit", "demo", b"ca", b"bundle", "root@pam", 1.0)
LMS = WitnessRecord("r2", "10.0.0.9", "lms", "demo", b"ca", b"bundle", "root@pam", 1.0)


@pytest.mark.parametrize(("nodes", "votes"), [(1, None), (2, "1"), (3, None), (4, "1")])
def test_it_has_a_vote_beside_an_even_number_of_nodes(nodes, votes):
    device = device_of(fitted(document_of(nodes), RECORD))
    assert (device.get("votes") if device is not None else None) == votes


@pytest.mark.parametrize(("nodes", "there"), [(1, False), (2, True), (3, True), (4, True)])
def test_by_force_it_stays_and_corosync_reckons_its_votes(nodes, there):
    device = device_of(fitted(document_of(nodes), LMS))
    assert (device is not None) == there
    assert device is None or device.get("votes") == ""


def test_fitting_twice_changes_nothing_more_and_raises_no_version():
    once = fitted(document_of(2), RECORD)
    assert fitted(once, RECORD) == once
    assert once.config_version == document_of(2).config_version


def test_one_that_was_written_by_hand_is_left_alone():
    by_hand = with_device(document_of(3), "10.0.0.8", "lms")
    assert fitted(by_hand, None) is by_hand


def test_which_algorithm_it_gets():
    assert [algorithm_for(count, force=False) for count in (2, 4)] == ["ffsplit", "ffsplit"]
    assert algorithm_for(3, force=True) == "lms"
    for count, force in ((1, True), (3, False)):
        with pytest.raises(Conflict):
            algorithm_for(count, force)


def test_what_is_advised():
    assert "keeps one of them quorate" in advice(document_of(2), None)
    assert "a witness keeps one half quorate" in advice(document_of(4), None)
    assert advice(document_of(3), None) == "" == advice(fitted(document_of(2), RECORD), RECORD)
    assert "Remove it" in advice(fitted(document_of(3), LMS), LMS)


async def test_it_rests_while_the_number_is_odd_and_comes_back(world):
    """alpha and beta with a witness; gamma comes, goes, and comes back by an undone removal."""
    await world.create(world.alpha)
    await world.join(world.beta, world.alpha)
    with_it = fitted(conf.raise_version(document(world)), RECORD)
    stored = await world.alpha.store_read("corosync.conf")
    await world.alpha.store_write_all({PATH: witness_rule.encode(RECORD)})
    await world.alpha.write_configuration(conf.render(with_it).encode(), stored.digest)
    assert device_of(document(world)) is not None

    await world.join(world.gamma, world.alpha)
    assert device_of(document(world)) is None
    assert world.gamma.disk.store.files[PATH] == witness_rule.encode(RECORD)

    world.gamma.engine_runs = False
    additions = world.additions["alpha"]
    await remove_node(world.alpha, additions, world.clock, "gamma", "root@pam")
    assert device_of(document(world)) is not None

    await undo_removal(world.alpha, additions, world.clock, "gamma", "root@pam")
    assert device_of(document(world)) is None


async def test_a_join_that_is_given_up_puts_it_back(world):
    await world.create(world.alpha)
    await world.join(world.beta, world.alpha)
    stored = await world.alpha.store_read("corosync.conf")
    await world.alpha.store_write_all({PATH: witness_rule.encode(RECORD)})
    text = conf.render(fitted(conf.raise_version(document(world)), RECORD)).encode()
    await world.alpha.write_configuration(text, stored.digest)
    world.gamma.never_synchronises = True
    await world.failed(world.join(world.gamma, world.alpha))
    assert document(world).node("gamma") is None and device_of(document(world)) is not None


def document(world):
    return conf.parse(world.alpha.disk.store.files["corosync.conf"])
