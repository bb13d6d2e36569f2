"""Figures, times and states as pages show them, and the small pure parts behind them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import cluster.node
from cluster.model import NodeState, Quorum, RingId, Sample, TaskState
from datacenter.membership.addresses import Choice, choices, for_links, shares_network
from datacenter.nodes import readings
from datacenter.tasks import state as task_state
from datacenter.tasks.log import LINES_MAX, Line, Shown, read_log
from datacenter.templatetags import quire, widgets
from tests.datacenter.fake_daemon import INTERFACES

NODE = NodeState("alpha", 1, 1, online=True, sample=Sample(1.0, {"cpu": 0.5, "maxcpu": 4, "memused": 1, "memtotal": 4}))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "–"), (-3, "0 s"), (59.9, "59 s"), (60, "1 min"), (3600, "1 h 0 min"), (90000, "1 d 1 h")],
)
def test_how_long_something_lasted(seconds: float | None, said: str) -> None:
    assert quire.lasted(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [(None, "–"), (0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (1 << 40, "1.0 TiB"), (102400, "100 KiB")],
)
def test_how_much_something_is(count: float | None, said: str) -> None:
    assert quire.size(count) == said


@pytest.mark.parametrize(("fraction", "said"), [(None, "–"), (0.0, "0.0 %"), (0.4321, "43.2 %"), (1.0, "100 %")])
def test_what_share_something_is(fraction: float | None, said: str) -> None:
    assert quire.share(fraction) == said


def test_a_ring_is_named_as_corosync_names_it() -> None:
    assert quire.ring_id(RingId(24, 10)) == "a.18"


def test_votes_become_pips_with_the_quorum_marked() -> None:
    assert quire.pips(Quorum(False, 3, 1, 2)) == ["pip-present", "pip-absent pip-needed", "pip-absent"]


@pytest.mark.parametrize(("fraction", "fill"), [(None, "0.0"), (-1, "0.0"), (0.5, "50.0"), (7, "100")])
def test_a_bar_stays_within_its_frame(fraction: float | None, fill: str) -> None:
    assert f'width="{fill}' in widgets.bar(fraction)


def test_what_a_button_copies_is_escaped() -> None:
    assert "&quot;&gt;&lt;b" in widgets.copy_button('"><b', "x")


# --- readings ---------------------------------------------------------------------------------------------------------


def test_figures_of_a_node_that_is_not_online_are_not_shown() -> None:
    assert readings.of(NODE, "cpu") == 0.5 and readings.of(NODE, "memory_share") == 0.25
    for node in (replace(NODE, online=False), replace(NODE, online=None), replace(NODE, sample=None)):
        assert readings.of(node, "cpu") is None and readings.of(node, "memory_share") is None


def test_nothing_is_divided_by_nothing() -> None:
    assert readings.of(replace(NODE, sample=Sample(1.0, {"swapused": 0, "swaptotal": 0})), "swap_share") is None


def test_totals_weigh_processors_by_cores_and_count_states() -> None:
    other = replace(NODE, sample=Sample(1.0, {"cpu": 0.0, "maxcpu": 12, "memused": 3, "memtotal": 4}))
    total = readings.totals([NODE, other, replace(NODE, online=False), replace(NODE, online=None)])
    assert (total.online, total.offline, total.unknown) == (2, 1, 1)
    assert (total.cpu, total.cores, total.memory) == (0.125, 16, 0.5)


def test_totals_of_nothing_are_unknown() -> None:
    total = readings.totals([])
    assert (total.cpu, total.memory, total.cores) == (None, None, None)


# --- tasks ------------------------------------------------------------------------------------------------------------

TASK = TaskState("UPID", "alpha", 1, 1, 100, "clusterjoin", "", "root@pam")


@pytest.mark.parametrize(
    ("fields", "level"),
    [
        ({}, "running"),
        ({"end_time_s": 105, "status": "OK"}, "good"),
        ({"end_time_s": 105, "status": "WARNINGS: 2"}, "warning"),
        ({"end_time_s": 105, "status": "the peer refused"}, "bad"),
    ],
)
def test_how_a_task_stands(fields: dict[str, Any], level: str) -> None:
    assert task_state.level(replace(TASK, **fields)) == level


def test_a_task_is_called_by_what_it_does() -> None:
    assert task_state.description(TASK) == "Join Cluster"
    assert task_state.description(replace(TASK, type="vzdump", id="100")) == "vzdump 100"
    assert task_state.description(replace(TASK, type="clusterwitness")) == "Set Up Witness"


def test_every_task_that_a_daemon_begins_has_a_name() -> None:
    sources = [path.read_text() for path in Path(cluster.node.__path__[0]).glob("*.py")]
    begun = {found for text in sources for found in re.findall(r'(?:_begin|tasks\.start)\(\s*"(\w+)"', text)}
    assert len(begun) > 5 and begun <= task_state.DESCRIPTIONS.keys()


def test_a_log_goes_on_without_a_hole_and_without_a_line_twice() -> None:
    shown = Shown("UPID")
    assert shown.filled_with([Line(1, "a"), Line(2, "b")])
    assert shown.next_lines(2, ["b", "c"]) == [Line(3, "c")]
    assert shown.next_lines(3, ["c"]) == []
    assert shown.next_lines(5, ["e"]) is None
    assert not shown.filled_with([Line(1, "a")]), "an older reading does not take lines away"


def test_an_empty_log_has_no_lines_and_a_long_one_its_end() -> None:
    assert read_log({"lines": [{"n": 1, "t": "no content"}]}) == []
    lines = [{"n": number, "t": "x"} for number in range(1, LINES_MAX + 11)]
    assert [read_log({"lines": lines})[0].number, len(read_log({"lines": lines}))] == [11, LINES_MAX]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("TASK OK", "good"),
        ("TASK ERROR: no", "bad"),
        ("TASK WARNINGS: 1", "warning"),
        ("WARN: x", "warning"),
        ("x", "plain"),
    ],
)
def test_the_outcome_stands_out_in_a_log(text: str, kind: str) -> None:
    assert Line(1, text).kind == kind


# --- addresses --------------------------------------------------------------------------------------------------------


def test_every_address_of_every_interface_is_a_choice() -> None:
    offered = choices(INTERFACES)
    assert [one.network for one in offered] == ["10.0.0.1/24", "10.1.0.1/24", "fd00::1/64"]
    assert offered[0].advice and not offered[1].advice
    assert choices([{"iface": "br0", "type": "bridge", "active": 0}]) == []


def test_the_address_in_the_peers_network_is_offered_first_else_the_usual_one() -> None:
    links = [{"number": 0, "peer_address": "192.0.2.1"}, {"number": 2, "peer_address": "10.1.0.9"}, {"number": 3}]
    found = for_links(links, choices(INTERFACES), own="10.0.0.1")
    assert [(one.number, one.address) for one in found] == [(0, "10.0.0.1"), (2, "10.1.0.1"), (3, "")]


@pytest.mark.parametrize(
    ("address", "shares"),
    [("10.0.0.77", True), ("10.0.1.1", False), ("fd00::2", False), ("name.example", False), ("", False)],
)
def test_who_is_in_a_network(address: str, shares: bool) -> None:
    assert shares_network(Choice("10.0.0.1", "10.0.0.1/24", "eth0").network, address) is shares
