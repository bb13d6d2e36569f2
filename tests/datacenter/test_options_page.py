"""Datacenter → Options, Cluster log and Tasks over a real daemon."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cluster.control import access_requests as ask
from cluster.control.requests import StoreRead, StoreWrite
from cluster.errors import Forbidden
from datacenter import gateway
from datacenter.access import tickets
from datacenter.api.option_keys import OPTIONS
from datacenter.options.sheet import SHEET
from datacenter.tasks.listing import chosen, task_of
from tests.cast import ALICE, BOB
from tests.datacenter.reader import Reader, text
from tests.node.alone import Alone, alone

PLACE, ROOT = "/datacenter/options", "root@pam"


@pytest.fixture
async def node(tmp_path: Path, settings: Any) -> AsyncIterator[Alone]:
    tickets.forget_all()
    async with alone(tmp_path / "alpha") as started:
        settings.QUIRE_SOCKET = str(started.daemon.options.socket)
        yield started
        await gateway.client().close()


@pytest.fixture
def root(node: Alone) -> Reader:
    return Reader(node, ROOT)


def edit(name: str) -> str:
    return f"{PLACE}/options/edit-{name}"


async def kept(node: Alone) -> str:
    data: bytes = (await node.ask(StoreRead("datacenter.cfg")))["data"]
    return data.decode()


def test_every_option_of_the_api_has_its_dialog() -> None:
    assert {act.name for act in SHEET.of_row} == {f"edit-{name}" for name in (*OPTIONS, "description")}


async def test_an_option_is_chosen_from_its_words_and_set_back(node: Alone, root: Reader) -> None:
    assert '<option value="de-ch" >' in await root.page(edit("keyboard"), name="keyboard")
    assert "de-ch" in text(await root.post(edit("keyboard"), name="keyboard", keyboard="de-ch"))
    assert await kept(node) == "keyboard: de-ch\n"
    assert '<option value="de-ch" selected>' in await root.page(edit("keyboard"), name="keyboard")
    await root.post(edit("keyboard"), name="keyboard", keyboard="")
    assert await kept(node) == ""


async def test_the_parts_of_an_option_are_fields_and_one_text_in_the_file(node: Alone, root: Reader) -> None:
    parts = {"migration/type": "secure", "migration/network": "10.0.0.0/24"}
    answer = await root.post(edit("migration"), name="migration", **parts)
    assert "type: secure, network: 10.0.0.0/24" in text(answer)
    assert await kept(node) == "migration: type=secure,network=10.0.0.0/24\n"
    assert 'value="10.0.0.0/24"' in await root.page(edit("migration"), name="migration")
    wrong = await root.post(edit("migration"), name="migration", **{**parts, "migration/network": "x"})
    assert wrong.status_code == 422 and "Must be secure or insecure, and a network." in text(wrong)


async def test_a_wrong_value_is_told_beside_its_field(root: Reader) -> None:
    wrong = await root.post(edit("http_proxy"), name="http_proxy", http_proxy="proxy")
    assert wrong.status_code == 422 and 'data-field="http_proxy"' in text(wrong)


async def test_the_log_is_filtered_by_node_severity_and_words(node: Alone, root: Reader) -> None:
    node.daemon.cluster_log.write("the disk of Bob is full", user=ROOT, tag="disk", priority=3)
    node.daemon.cluster_log.write("all is well", user=ROOT, tag="web")
    page = await root.page("/datacenter/log")
    assert "the disk of Bob is full" in page and "all is well" in page
    bad = await root.page("/datacenter/log", severity="3")
    assert "the disk of Bob is full" in bad and "all is well" not in bad
    assert "all is well" not in await root.page("/datacenter/log", words="FULL disk")
    assert "Nothing fits" in await root.page("/datacenter/log", node="beta")


async def test_nobody_without_the_right_sees_anybody_elses_lines_or_tasks(node: Alone, root: Reader) -> None:
    await node.ask(ask.UserAdd(ROOT, ALICE))
    node.daemon.cluster_log.write("something secret", user=ROOT, tag="web")
    alice = Reader(node, ALICE)
    assert "something secret" not in await alice.page("/datacenter/log")
    assert "No task has run yet" in await alice.page("/datacenter/tasks")


def test_tasks_are_filtered_by_what_they_are() -> None:
    row = {
        "upid": "UPID:alpha:1:2:3:clusterjoin::root@pam:", "node": "alpha", "type": "clusterjoin", "id": "",
        "user": ROOT, "starttime": 5, "endtime": 9, "status": "broken",
    }  # fmt: skip
    none = {"node": "", "user": "", "type": "", "status": ""}
    bad, runs = task_of(row), task_of({**row, "endtime": None, "status": None, "tokenid": "ci"})
    assert runs.user == "root@pam!ci" and runs.end_time_s is None
    assert chosen([bad, runs], none) == [bad, runs]
    assert chosen([bad, runs], {**none, "status": "bad"}) == [bad]
    assert chosen([bad, runs], {**none, "status": "running"}) == [runs]
    assert chosen([bad, runs], {**none, "node": "beta"}) == []
    assert chosen([bad, runs], {**none, "user": "CI"}) == [runs]


async def test_the_options_are_for_who_may_change_the_system_and_other_files_stay_roots(node: Alone) -> None:
    for user, role in ((ALICE, "Administrator"), (BOB, "PVEAuditor")):
        await node.ask(ask.UserAdd(ROOT, user))
        await node.ask(ask.AclChange(ROOT, "/", [role], users=[user]))
    alice, bob = Reader(node, ALICE), Reader(node, BOB)
    assert "de-ch" in text(await alice.post(edit("keyboard"), name="keyboard", keyboard="de-ch"))
    refused = await bob.post(edit("keyboard"), name="keyboard", keyboard="de")
    assert refused.status_code == 422 and "Sys.Modify" in text(refused)
    for path in ("storage.cfg", "corosync.conf", "user.cfg", "datacenter.cfg.new", "nodes/alpha/config"):
        with pytest.raises(Forbidden):
            await node.ask(StoreWrite(path, b"", user=ALICE))
