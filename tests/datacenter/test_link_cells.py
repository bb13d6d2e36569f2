"""The tables of links on the Cluster page."""

from __future__ import annotations

from dataclasses import replace

from cluster.model import ClusterState, LinkState
from datacenter.membership import link_cells
from tests.datacenter.fake_daemon import node_state

UP = LinkState(2, 0, True, 210, 220, 900, 0.0, 0, 0, 1397)


def cluster(*states: LinkState) -> ClusterState:
    alpha, beta, gamma = (node_state(name, n, 1e9, 1) for n, name in enumerate(("alpha", "beta", "gamma"), 1))
    return ClusterState("alpha", "office", 2, (replace(alpha, link_states=states), beta, gamma))


def cells(state: ClusterState, name: str = "alpha") -> list[link_cells.LinkCell]:
    node = state.node(name)
    assert node is not None
    return link_cells.row(state, node, 0)


def test_a_row_shows_itself_what_is_up_and_what_is_down() -> None:
    row = cells(cluster(UP, LinkState(3, 0, False, None, 300, 900, 0.9, 2, 1, 1397)))
    assert [(cell.level, cell.word) for cell in row] == [("plain", "–"), ("good", "0.21 ms"), ("bad", "down")]
    assert row[1].sentence == (
        "alpha hears beta on link 0: average 0.22 ms, longest 0.90 ms, loss 0.0 %, 0 sends tried again, down 0 times, "
        "MTU 1397."
    )
    assert row[2].sentence.startswith("alpha does not hear gamma on link 0")


def test_slow_and_lossy_links_are_a_warning() -> None:
    row = cells(cluster(replace(UP, latency_us=12_000), replace(UP, peer_id=3, loss=0.2)))
    assert [(cell.level, cell.word) for cell in row[1:]] == [("warning", "12.0 ms"), ("warning", "0.21 ms, 20 % lost")]


def test_who_has_told_nothing_is_unknown() -> None:
    assert [cell.level for cell in cells(cluster(), "beta")] == ["unknown", "plain", "unknown"]


def test_only_cells_that_look_different_are_told() -> None:
    before = cluster(UP, replace(UP, peer_id=3))
    now = cluster(replace(UP, latency_us=211), replace(UP, peer_id=3, connected=False))
    assert [cell.peer for cell in link_cells.changed(before, now, "alpha", [0])] == ["gamma"]
    assert [cell.peer for cell in link_cells.changed(before, before, "alpha", [0])] == []


def test_a_large_cluster_has_one_cell_per_row_which_names_what_is_down() -> None:
    states = tuple(replace(UP, peer_id=peer, connected=peer != 7, latency_us=peer * 100) for peer in range(2, 13))
    nodes = tuple(node_state(f"n{n}", n, 1e9, 1) for n in range(1, 13))
    large = ClusterState("n1", "office", 2, (replace(nodes[0], link_states=states), *nodes[1:]))
    (cell,) = cells(large, "n1")
    assert (cell.level, cell.word) == ("bad", "10 of 11 up, slowest 1.20 ms; down: n7")
    assert link_cells.columns(large) == ["all its peers"]
