"""Datacenter → What if: the switches and the address say the same."""

from __future__ import annotations

from django.http import QueryDict

from cluster.model import NodeState
from datacenter.ahead.typed import Typed, read

NODES = [NodeState(name, number, 1) for number, name in enumerate(("alpha", "beta", "gamma"), 1)]


def test_switches_become_an_address_and_the_address_the_same_supposition() -> None:
    form = QueryDict("form=1&node-off=beta&group-alpha=A&group-gamma=B&link-off=1&anew=1")
    typed = read(form, NODES)
    assert typed == Typed(("beta",), (("alpha",), ("gamma",)), ("1",), witness=False, anew=True)
    assert typed.query() == "off=beta&split=alpha/gamma&links=1&witness=0&anew=1"
    assert read(QueryDict(typed.query()), NODES) == typed
    assert (typed.group_of("gamma"), typed.group_of("beta")) == ("B", "")


def test_nothing_switched_is_an_address_without_a_question() -> None:
    assert read(QueryDict("form=1&witness=1"), NODES).query() == ""


def test_a_node_that_does_not_exist_is_left_to_the_daemon_to_refuse() -> None:
    assert read(QueryDict("off=omega"), NODES).request().off == "omega"
