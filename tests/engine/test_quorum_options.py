"""The quorum section of corosync.conf as options to reckon with."""

import pytest

from cluster.core.quorum import Options
from cluster.core.witness import Witness
from cluster.corosync import conf
from cluster.engine.quorum_options import quorum_options, witness_of

NODES = "".join(
    f"node {{\n nodeid: {number}\n name: n{number}\n ring0_addr: 10.0.0.{number}\n}}\n" for number in (1, 2, 3, 4)
)


def document(section: str):
    totem = "totem {\n version: 2\n cluster_name: q\n config_version: 1\n}\n"
    return conf.parse(f"{totem}nodelist {{\n{NODES}}}\nquorum {{\n{section}\n}}\n".encode())


@pytest.mark.parametrize(
    ("section", "options"),
    [
        ("provider: corosync_votequorum", Options()),
        ("two_node: 1\n wait_for_all: 0", Options(two_node=True, wait_for_all=False)),
        ("expected_votes: 7", Options(expected_votes=7)),
        ("expected_votes: many", Options()),
        ("auto_tie_breaker: 1", Options(auto_tie_breaker="lowest")),
        ("auto_tie_breaker: 1\n auto_tie_breaker_node: 3", Options(auto_tie_breaker="3")),
        ("auto_tie_breaker_node: highest", Options()),
        ("last_man_standing: 1", Options(last_man_standing=True)),
        ("device {\n model: net\n votes: 1\n}", Options(qdevice_votes=1)),
        ("device {\n model: net\n}", Options(qdevice_votes=3)),
    ],
)
def test_what_is_written_is_what_is_reckoned_with(section, options):
    assert quorum_options(document(section)) == options


def test_the_witness_is_named_with_the_way_it_chooses():
    section = (
        "device {\n model: net\n votes: 1\n net {\n  host: 10.0.0.9\n  algorithm: ffsplit\n  tie_breaker: 3\n }\n}"
    )
    assert witness_of(document(section)) == Witness("10.0.0.9", "ffsplit", "3")
    assert witness_of(document("provider: corosync_votequorum")) is None
