"""The flight recorders of three real daemons: a partition and its heal, as each of them saw it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from cluster.control.flight_requests import FlightEvents
from cluster.control.requests import Status
from cluster.engine import wire, wire_frames
from cluster.errors import QuireError
from cluster.flight.partings import SHORTEST_S
from tests.node.trio import NAMES, SOON_S, make_trio, trio, write
from tests.workflow.test_killed_daemon import Node, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def told(node: Node) -> dict[str, Any]:
    return dict(node.client.call(FlightEvents(limit=1000)))


def links_up(node: Node) -> int:
    """How many of its links the node has measured to be up: only those can go."""
    nodes = node.client.call(Status())["cluster"]["nodes"]
    return sum(link["connected"] for one in nodes if one["local"] for link in one["link_states"])


def lasted_s(node: Node) -> float:
    now = told(node)
    return float(now["now_s"] - now["partings"][0]["from_s"])


def seen(node: Node, by: str, code: str, about: str = "") -> list[dict[str, Any]]:
    with contextlib.suppress(QuireError):
        rows = told(node)["events"]
        return [row for row in rows if (row["node"], row["code"]) == (by, code) and about in ("", row["about"])]
    return []


def test_a_partition_and_its_heal_show_both_views_and_a_killed_node_is_unknown(tmp_path: Path) -> None:
    made, here = tmp_path / "made", tmp_path / "here"
    made.mkdir()
    here.mkdir()
    with trio(make_trio(made), here) as (alpha, beta, gamma):
        socket = here / "wire.sock"
        for node in (alpha, beta, gamma):
            wait_until(lambda node=node: links_up(node) == 2, SOON_S, "its links were seen to be up")
        wire.control(socket, wire_frames.Split([[1, 2], [3]]))
        wait_until(lambda: seen(alpha, "alpha", "node-gone", "gamma"), SOON_S, "alpha lost gamma")
        wait_until(lambda: seen(gamma, "gamma", "quorum-lost"), SOON_S, "gamma lost quorum")
        # The split is in the groups; the web addresses still answer, so each side knows the other's view.
        wait_until(lambda: seen(alpha, "gamma", "node-gone", "alpha"), SOON_S, "alpha knows what gamma saw")
        wait_until(lambda: told(alpha)["partings"], SOON_S, "alpha knows that there are parts")
        parts = [(part["nodes"], part["quorate"]) for part in told(alpha)["partings"][0]["parts"]]
        assert parts == [(["alpha", "beta"], True), (["gamma"], False)]
        wait_until(lambda: seen(alpha, "alpha", "link-down", "gamma"), SOON_S, "alpha saw the link go")
        assert "was down since" in seen(alpha, "alpha", "node-gone", "gamma")[0]["cause"]
        assert seen(gamma, "gamma", "quorum-lost")[0]["cause"] == "because alpha and beta went"

        wait_until(lambda: lasted_s(alpha) > 2 * SHORTEST_S, SOON_S, "they are in parts for long enough to be told of")
        wire.control(socket, wire_frames.Heal())
        wait_until(lambda: seen(alpha, "gamma", "quorum-gained"), SOON_S, "gamma has quorum again")
        wait_until(lambda: any(one["to_s"] is not None for one in told(beta)["partings"]), SOON_S, "it is over")
        wait_until(lambda: told(alpha)["nodes"] and all(one["known"] for one in told(alpha)["nodes"]), SOON_S, "all")

        write(alpha, "datacenter.cfg", "keyboard: de\n")
        for name in NAMES:
            wait_until(lambda name=name: seen(beta, name, "changed", "datacenter.cfg"), SOON_S, f"{name} saw it")
        row = seen(beta, "gamma", "changed", "datacenter.cfg")[0]
        assert (row["user"], row["by"]) == ("root@pam", "alpha")

        assert gamma.process is not None
        gamma.process.kill()
        gamma.process.wait()
        wait_until(lambda: not told(alpha)["nodes"][2]["known"], SOON_S, "gamma is unknown")
        standing = told(alpha)["nodes"][2]
        assert standing["since_s"] is not None and standing["reason"]
        assert seen(alpha, "gamma", "quorum-gained"), "what it said before stays"
        gamma.start()
        wait_until(lambda: seen(alpha, "gamma", "started-unclean"), SOON_S, "gamma tells that it had ended")
        ended = seen(alpha, "alpha", "node-gone", "gamma")[0]
        assert ended["cause"].startswith(("because its service ended without a word", "because its link 0"))
