"""Datacenter → Events over a real daemon: who may look, what is chosen, and the files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cluster.control.access_requests import UserAdd
from datacenter import gateway
from datacenter.access import tickets
from tests.datacenter.test_config_page import Reader, text
from tests.node.alone import Alone, alone

PLACE = "/datacenter/events"


@pytest.fixture
async def node(tmp_path: Path, settings: Any) -> AsyncIterator[Alone]:
    settings.QUIRE_SOCKET = tmp_path / "alpha" / "control.sock"
    tickets.forget_all()
    async with alone(tmp_path / "alpha") as running:
        yield running
        await gateway.client().close()


@pytest.fixture
def root(node: Alone) -> Reader:
    return Reader(node, "root@pam")


async def test_what_happened_is_shown_with_who_did_it(node: Alone, root: Reader) -> None:
    await node.write("datacenter.cfg", "keyboard: de\n")
    node.daemon.flight.recorder._fold_now()
    page = text(await root.get(PLACE))
    assert "datacenter.cfg was written." in page and "root@pam via" in page
    assert "This node's service began." in page.replace("&#x27;", "'")


async def test_only_what_is_chosen_is_shown_and_nothing_is_said_to_be_nothing(node: Alone, root: Reader) -> None:
    shown = await root.get(f"{PLACE}/shown", kind="lock")
    assert "Nothing of this kind was recorded" in text(shown)
    assert shown.headers["HX-Push-Url"] == f"{PLACE}?kind=lock"
    assert "service began" in text(await root.get(f"{PLACE}/shown", kind="node", node="alpha"))
    assert "service began" not in text(await root.get(f"{PLACE}/shown", kind="node", until="1971-01-01T00:00"))
    for wrong in ({"kind": "nonsense"}, {"since": "yesterday"}):
        assert (await root.get(PLACE, **wrong)).status_code == 400


async def test_files_hold_what_is_chosen_and_no_formula(node: Alone, root: Reader) -> None:
    node.daemon.flight.recorder.record(node.daemon.flight.recorder.events[0].__class__("lock", "lock-taken", "=1+1"))
    answer = await root.get(f"{PLACE}/file.csv", kind="lock")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="events-')
    (row,) = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (row["node"], row["code"], row["about"]) == ("alpha", "lock-taken", "'=1+1")
    whole = json.loads((await root.get(f"{PLACE}/file.json")).content)
    assert {row["code"] for row in whole["events"]} >= {"started", "lock-taken"}
    assert (await root.get(f"{PLACE}/file.xml")).status_code == 400


async def test_who_may_not_audit_sees_nothing(node: Alone) -> None:
    await node.ask(UserAdd(userid="alice@pve", user="root@pam"))
    page = await Reader(node, "alice@pve").get(PLACE)
    assert page.status_code == 403
