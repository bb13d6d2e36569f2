"""Datacenter → Alerts over a real daemon: targets are added, tried and removed, and secrets are never shown."""

from __future__ import annotations

from cluster.access.sections import parse
from tests.datacenter.test_config_page import Reader, text
from tests.datacenter.test_events_page import node, root
from tests.node.alone import Alone

__all__ = ["node", "root"]
PLACE = "/datacenter/alerts"


async def test_every_sheet_is_there_and_says_when_it_is_empty(root: Reader) -> None:  # noqa: F811
    assert "Nothing is wrong" in text(await root.get(PLACE))
    empty = {"history": "Nobody has been told", "rules": "Latency above (ms)", "targets": "Nobody is told"}
    for name, words in (empty | {"silences": "There are no silences"}).items():
        assert words in text(await root.get(f"{PLACE}/{name}")), name
    assert (await root.get(f"{PLACE}/nonsense")).status_code == 404


async def test_a_target_is_added_changed_tried_and_removed(node: Alone, root: Reader) -> None:  # noqa: F811
    fields = {"id": "ops", "url": "http://127.0.0.1:9/x", "secret": "hush"}
    assert (await root.post(f"{PLACE}/targets/add-webhook", **fields)).status_code == 200
    tree = node.daemon.life.tree
    assert parse(tree.read("alerts.cfg") or b"")[0].properties == {"url": "http://127.0.0.1:9/x"}
    assert parse(tree.read("priv/alerts.cfg") or b"")[0].properties == {"secret": "hush"}
    page = text(await root.get(f"{PLACE}/targets"))
    assert "ops" in page and "hush" not in page
    row = {"type": "webhook", "id": "ops"}
    tried = text(await root.post(f"{PLACE}/targets/test", **row))
    assert "did not arrive" in tried and "not said to be local" in tried
    await root.post(f"{PLACE}/targets/edit-webhook", **row, url="https://hooks.example/y", secret="")
    assert b"hooks.example" in (tree.read("alerts.cfg") or b"") and b"hush" in (tree.read("priv/alerts.cfg") or b"")
    await root.post(f"{PLACE}/targets/remove", **row)
    assert tree.read("alerts.cfg") == tree.read("priv/alerts.cfg") == b""


async def test_what_is_wrong_with_a_target_is_said(node: Alone, root: Reader) -> None:  # noqa: F811
    answer = text(await root.post(f"{PLACE}/targets/add-webhook", id="ops", url="ftp://x"))
    assert "n address with http:// or https://" in answer
    assert node.daemon.life.tree.read("alerts.cfg") is None


async def test_a_rule_and_a_silence(node: Alone, root: Reader) -> None:  # noqa: F811
    opened = text(await root.get(f"{PLACE}/rules/edit?type=rule&id=latency"))
    assert "Latency above (ms)" in opened and "rule latency" not in opened
    await root.post(f"{PLACE}/rules/edit", type="rule", id="latency", threshold="25")
    await root.post(f"{PLACE}/silences/add", id="s", about="disk", node="", until="2099-01-01T00:00")
    kept = node.daemon.alerting.settings
    assert kept.thresholds["latency"] == 25
    assert kept.find("silence", "s").properties["about"] == "disk"  # type: ignore[union-attr]
    assert "in force" in text(await root.get(f"{PLACE}/silences"))
