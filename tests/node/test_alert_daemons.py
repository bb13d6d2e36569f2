"""Alerts of three real daemons: one message when a node goes, though the node that sends is killed right after."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from cluster.control.alert_requests import Alerts, AlertSet, AlertTest
from cluster.secret import Secret
from tests.node.test_alert_delivery import Target
from tests.node.trio import SOON_S, make_trio, trio
from tests.workflow.test_killed_daemon import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_exactly_one_message_though_the_sender_is_killed(tmp_path: Path) -> None:
    made, here = tmp_path / "made", tmp_path / "here"
    made.mkdir()
    here.mkdir()
    target = Target()
    threading.Thread(target=target.server.serve_forever, daemon=True).start()
    try:
        with trio(make_trio(made), here) as (alpha, beta, gamma):
            alpha.client.call(AlertSet("webhook", "ops", {"url": f"{target.url}/hook", "local": "1"}, Secret("hush")))
            assert alpha.client.call(AlertTest("webhook", "ops"))["arrived"]
            wait_until(lambda: beta.client.call(Alerts())["settings"], SOON_S, "beta knows the target")
            target.asked.clear()
            assert gamma.process is not None and alpha.process is not None
            gamma.process.kill()
            gamma.process.wait()
            wait_until(lambda: told_of(target, "gamma", "raised"), SOON_S, "a message about gamma")
            time.sleep(0.5)  # the mark is on its way to beta
            alpha.process.kill()
            alpha.process.wait()
            # beta alone has no quorum: it must not send, and shows what it could not tell.
            wait_until(lambda: unsent(beta), SOON_S, "beta shows an alert nobody was told of")
            assert len(told_of(target, "gamma", "raised")) == 1
            gamma.start()
            wait_until(lambda: told_of(target, "alpha", "raised"), SOON_S, "beta stands in")
            wait_until(lambda: told_of(target, "gamma", "over"), SOON_S, "and says that gamma is back")
            wait_until(lambda: told_of(target, "beta", "raised"), SOON_S, "and, late, that it was without quorum")
            wait_until(lambda: any("comes late" in said for said in told_of(target, "beta", "raised")), SOON_S, "late")
            assert [len(told_of(target, "gamma", word)) for word in ("raised", "over")] == [1, 1]
            assert all(headers["Authorization"] == "Bearer hush" for _, headers, _ in target.asked)
    finally:
        target.server.shutdown()
        target.server.server_close()


def told_of(target: Target, node: str, word: str) -> list[str]:
    bodies = [json.loads(body) for _, _, body in target.asked]
    kinds = ("node-gone", "quorum-lost")
    return [one["text"] for one in bodies if one["node"] == node and one["kind"] in kinds
            and one["title"].split("] ")[1].startswith("Over") == (word == "over")]  # fmt: skip


def unsent(node: object) -> list[str]:
    found = node.client.call(Alerts())  # type: ignore[attr-defined]
    return [] if found["leads"] else [one["kind"] for one in found["current"] if not one["told"]]
