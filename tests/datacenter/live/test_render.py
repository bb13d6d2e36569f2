"""Which fragments a change becomes: what differs, nothing else, and every piece with the id of its place."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from django.utils import translation

from cluster.control.requests import as_plain
from cluster.model import Change, ClusterState, Revision, RingId, Sample, StoreState, TaskState
from datacenter.live import render
from datacenter.live.feed import Flow
from datacenter.live.picture import Picture, after
from datacenter.tasks.log import Line
from tests.datacenter.fake_daemon import node_state, votes

FLOW = Flow(True, 1.0)
TASK = TaskState("UPID:n1:1", "n1", 1, 1, 100, "clusterjoin", "", "root@pam", step="Asking", progress=0.25)


def picture(count: int = 3, **changes: Any) -> Picture:
    nodes = tuple(node_state(f"n{number}", number, 1e9) for number in range(1, count + 1))
    store = StoreState(True, "", Revision(1, 1), "")
    cluster = ClusterState("n1", "office", 2, nodes, votes(count, count), RingId(8, 1), True, store)
    return replace(Picture("life", 7, cluster), **changes)


def pieces(messages: tuple[str, ...]) -> list[str]:
    """The ids of what is replaced, in order."""
    return re.findall(r'<[^>]*\bid="([^"]+)"[^>]*\bhx-swap-oob=true', "".join(messages))


def told(before: Picture, topic: str, value: Any) -> render.Fragments:
    change = Change(before.number + 1, topic, as_plain(value), 55.25)
    return render.difference(before, after(before, change), [change])


def test_new_figures_touch_their_cells_only() -> None:
    before = picture()
    node = replace(before.cluster.nodes[1], sample=Sample(2.0, {"cpu": 0.75}))
    fragments = told(before, "node", node)
    assert pieces(fragments.messages) == [
        "node-cpu-n2",
        "node-memory-n2",
        "node-uptime-n2",
        "cluster-totals",
        "live-mark",
    ]
    assert "75.0 %" in fragments.messages[0] and fragments.nodes == {"n2"}


def test_changes_that_travel_together_draw_each_piece_once_and_tell_of_the_first_moment() -> None:
    before = now = picture(12)
    changes = []
    for turn, number in enumerate((1, 2, 1)):
        node = replace(now.cluster.nodes[number], sample=Sample(2.0 + turn, {"cpu": 0.25 * (turn + 1)}))
        changes.append(Change(now.number + 1, "node", as_plain(node), 55.0 + turn))
        now = after(now, changes[-1])
    fragments = render.difference(before, now, changes, told=before.number)
    shown = pieces(fragments.messages)
    assert sorted(shown) == sorted(set(shown)) and shown.count("cluster-totals") == 1
    assert {"node-cpu-n2", "node-cpu-n3"} <= set(shown) and fragments.nodes == {"n2", "n3"}
    message = "".join(fragments.messages)
    assert "75.0 %" in message and "50.0 %" in message and "25.0 %" not in message
    assert 'data-change-number="10"' in message and 'data-change-told="7"' in message
    assert 'data-change-at="55.000000"' in message


def test_a_node_that_goes_changes_its_state_wherever_it_is_shown() -> None:
    before = picture()
    fragments = told(before, "node", replace(before.cluster.nodes[2], online=False))
    shown = pieces(fragments.messages)
    assert {"node-state-n3", "tree-state-n3", "cluster-health", "cluster-quorum"} <= set(shown)
    assert 'data-state="offline"' in fragments.messages[0]


def test_a_change_of_the_cluster_replaces_what_depends_on_it() -> None:
    before = picture()
    fragments = told(before, "cluster", replace(before.cluster, config_version=3, store=None))
    assert {"tree-list", "cluster-information", "cluster-quorum", "cluster-nodes", "cluster-health"} <= set(
        pieces(fragments.messages)
    )


def test_the_fragments_of_a_region_do_not_mark_what_is_inside_them() -> None:
    marked = pieces(told(picture(), "cluster", picture().cluster).messages)
    inside = [one for one in marked if one.startswith(("node-", "tree-state"))]
    assert all("-trend-" in one for one in inside)  # curves travel after their table


def test_every_message_ends_with_the_change_it_belongs_to() -> None:
    messages = render.everything(picture(32, number=41, at_s=55.25), FLOW)
    assert len(messages) > 1
    for message in messages:
        assert 'data-change-number="41"' in message and 'data-change-at="55.250000"' in message


@pytest.mark.parametrize("language", ["en", "de"])
def test_messages_about_a_large_cluster_stay_small_in_every_language(language: str) -> None:
    with translation.override(language):
        messages = render.everything(picture(32, number=41, at_s=55.25), FLOW)
    assert max(len(message.encode()) for message in messages) < 64 * 1024


def test_a_write_to_the_store_moves_nothing_but_losing_it_does() -> None:
    before = picture()
    store = before.cluster.store
    assert store is not None
    assert told(before, "store", replace(store, revision=Revision(1, 2), digest="d")).messages == ()
    assert "cluster-quorum" in pieces(told(before, "store", replace(store, writable=False, reason="no")).messages)


def test_a_step_of_a_task_changes_its_row_and_its_end_the_list() -> None:
    before = picture(tasks=(TASK,))
    step = pieces(told(before, "task", replace(TASK, step="Waiting")).messages)
    assert "task-list" not in step and any(one.startswith("task-row-") for one in step)
    assert "task-list" in pieces(told(before, "task", replace(TASK, end_time_s=200, status="OK")).messages)
    assert "task-list" in pieces(told(picture(), "task", TASK).messages)


def test_another_node_s_task_changes_the_list_and_no_window_which_asks_that_node() -> None:
    theirs = replace(TASK, upid="UPID:n2:1", node="n2")
    assert pieces(told(picture(), "task", theirs).messages) == ["task-list", "tasks-running", "live-mark"]
    assert not [one for one in pieces(render.everything(picture(tasks=(theirs,)), FLOW)) if "task-status" in one]
    own = replace(TASK, upid="UPID:n1:1", node="n1")
    assert any("task-status" in one for one in pieces(told(picture(), "task", own).messages))


def test_lines_of_a_log_and_unknown_topics_change_no_region() -> None:
    before = picture()
    assert told(before, "tasklog", {"upid": "UPID", "first": 1, "lines": ["x"]}) == render.Fragments(())
    assert told(before, "weather", {}) == render.Fragments(())


def test_t43_log_lines_are_text() -> None:
    html = render.log_lines("UPID:x", [Line(3, "<script>alert(1)</script>"), Line(4, "TASK OK")])
    assert "<script>" not in html and "&lt;script&gt;" in html
    assert 'value="3"' in html and "log-good" in html and "beforeend:#task-log-" in html


def test_no_fragment_begins_with_a_part_of_a_table() -> None:
    """Between other fragments a browser's parser would drop a lone cell or row."""
    messages = render.everything(picture(tasks=(TASK,)), FLOW) + render.node_page(picture(), "n2")
    for change in ("cluster", "node"):
        value = picture().cluster if change == "cluster" else replace(picture().cluster.nodes[0], online=None)
        messages += told(picture(), change, value).messages
    for message in messages:
        assert not re.match(r"\s*<(td|tr|th|tbody)\b", message)
        depth = 0
        for tag in re.findall(r"</?(?:table|td|tr|th|tbody|thead)\b", message):
            depth += {"<table": 1, "</table": -1}.get(tag, 0)
            assert depth > 0 or tag == "</table", f"{tag} outside of a table"


def test_a_node_page_is_rendered_for_its_node_or_not_at_all() -> None:
    assert pieces(render.node_page(picture(), "n2")) == ["node-card-n2", "node-readings-n2"]
    assert render.node_page(picture(), "omega") == ()


@pytest.mark.parametrize(("flow", "words"), [(FLOW, "Live"), (Flow(False, 1.0, "Redis is down."), "Redis is down.")])
def test_whether_changes_arrive_is_told(flow: Flow, words: str) -> None:
    assert words in render.flow(flow).messages[0]


def test_quorum_without_votes_in_numbers_is_unknown() -> None:
    nothing = replace(picture().cluster, quorum=None)
    html = "".join(render.everything(replace(picture(), cluster=nothing), FLOW))
    assert "Quorum unknown" in html
