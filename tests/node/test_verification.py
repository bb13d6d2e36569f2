"""What is told when nodes differ, and what a real daemon says of itself."""

import msgspec
import pytest

from cluster.control.requests import CheckNode, VerifyCluster
from cluster.corosync import conf
from cluster.errors import NotInCluster
from cluster.model import Link, Node
from cluster.node.board_messages import Standing
from cluster.node.verification import Heard, compare, compare_certificates, compare_members, lagging
from tests.node.alone import alone

DOCUMENT = conf.add_node(
    conf.new("demo", Node("alpha", 1, 1, (Link(0, "10.0.0.1"),))), Node("beta", 2, 1, (Link(0, "10.0.0.2"),))
)
DOCUMENT = conf.add_node(DOCUMENT, Node("gamma", 3, 1, (Link(0, "10.0.0.3"),)))
DOCUMENT = conf.parse(conf.render(DOCUMENT).encode())
SAID = Standing(100.0, 3, conf.digest(DOCUMENT.source), "k" * 64, 3, 40, "d" * 64, True, "0.1.0")
CERTIFIED = {"alpha": "", "beta": "", "gamma": ""}


def findings(certified=None, **beta):
    heard = {1: Heard(SAID, 100.0), 2: Heard(msgspec.structs.replace(SAID, **beta), 100.0), 3: Heard(SAID, 100.0)}
    return [(one.node, one.code, one.severity) for one in compare(DOCUMENT, heard, certified or CERTIFIED)]


def test_nodes_that_agree_are_not_spoken_of():
    assert findings() == []


@pytest.mark.parametrize(
    ("differs", "code", "severity"),
    [
        ({"config_digest": "e" * 40, "config_version": 1}, "configuration", "error"),
        ({"key_digest": "z" * 64}, "key", "error"),
        ({"writable": False}, "store", "error"),
        ({"time_s": 105.0}, "clock", "warning"),
        ({"time_s": 40.0}, "clock", "error"),
        ({"index": 39, "store_digest": "c" * 64}, "revision", "warning"),
        ({"store_digest": "e" * 64}, "digest", "error"),
    ],
)
def test_what_differs_on_one_node_is_told_of_that_node(differs, code, severity):
    assert findings(**differs) == [("beta", code, severity)]


def test_different_versions_are_told_once_of_all():
    assert findings(version="0.2.0") == [("", "version", "warning")]


def test_a_silent_node_and_a_bad_certificate_are_errors():
    heard = {1: Heard(SAID, 100.0), 3: Heard(SAID, 100.0)}
    found = compare(DOCUMENT, heard, CERTIFIED | {"alpha": "has no certificate in the store"})
    assert [(one.node, one.code) for one in found] == [("alpha", "certificate"), ("beta", "offline")]
    assert all(one.advice for one in found)


def test_a_clock_is_judged_by_when_it_was_heard():
    assert Heard(replace_time(103.5), 100.0).clock_s == 3.5


def replace_time(time_s):
    return msgspec.structs.replace(SAID, time_s=time_s)


async def test_a_stand_alone_node_is_checked_and_has_nothing_to_compare(tmp_path):
    async with alone(tmp_path / "alpha") as node:
        found = await node.ask(CheckNode())
        assert found and not [one for one in found if one["severity"] == "error"]
        assert {"time-source", "space", "ssh", "leftovers"} - {one["code"] for one in found} == {"space"}
        with pytest.raises(NotInCluster):
            await node.ask(VerifyCluster())


async def test_leftovers_of_a_former_cluster_are_found(tmp_path):
    async with alone(tmp_path / "alpha") as node:
        folder = tmp_path / "alpha" / "corosync"
        folder.mkdir(exist_ok=True)
        (folder / "authkey").write_bytes(b"k" * 256)
        found = {one["code"]: one["severity"] for one in await node.ask(CheckNode())}
        assert found["key-present"] == "error"


def test_a_node_that_does_not_keep_up_is_told_of():
    assert [(one.node, one.code, one.severity) for one in lagging(DOCUMENT, {2})] == [("beta", "lagging", "warning")]
    assert lagging(DOCUMENT, set()) == []


def test_different_versions_of_corosync_are_told_once_of_all():
    heard = {1: Heard(msgspec.structs.replace(SAID, corosync="3.1.7"), 100.0),
             2: Heard(msgspec.structs.replace(SAID, corosync="3.1.9"), 100.0), 3: Heard(SAID, 100.0)}  # fmt: skip
    assert [(one.code, one.severity) for one in compare(DOCUMENT, heard, CERTIFIED)] == [("corosync", "warning")]


def test_a_node_that_serves_another_certificate_than_the_cluster_has_is_told_of():
    heard = {n: Heard(msgspec.structs.replace(SAID, certificate="AA"), 100.0) for n in (1, 2, 3)}
    stored = {"alpha": "AA", "beta": "BB", "gamma": ""}
    found = compare_certificates(DOCUMENT, heard, stored)
    assert [(one.node, one.code) for one in found] == [("beta", "certificate-served")] and found[0].advice


def test_a_node_whose_engine_sees_others_is_told_of():
    whole = Heard(msgspec.structs.replace(SAID, members=(1, 2, 3)), 100.0)
    heard = {1: whole, 2: whole, 3: Heard(msgspec.structs.replace(SAID, members=(3,)), 100.0)}
    (found,) = compare_members(DOCUMENT, heard)
    assert (found.node, found.severity) == ("gamma", "error") and "sees the nodes 3" in found.sentence
    assert compare_members(DOCUMENT, {1: whole, 2: whole}) == []
