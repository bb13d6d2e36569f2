"""What a node looks at for another that would join, and for whom it does not; and leftovers that are in use."""

from __future__ import annotations

import asyncio

import pytest

from cluster.control.check_requests import CheckCreate, CheckState, MembersPreflight, RemoveLeftovers, TokenPreflight
from cluster.errors import InvalidInput, NotFound, NotInCluster
from cluster.node import handlers
from cluster.node.replies import REPLYING_MAX
from cluster.node.survey_messages import SurveyAsked
from cluster.node.surveys import Surveys
from cluster.secret import Secret
from tests.node.alone import alone

NONCE = "0f" * 16


async def test_a_node_without_a_cluster_looks_for_nobody(tmp_path):
    async with alone(tmp_path / "alpha") as node:
        with pytest.raises(NotInCluster):
            await node.ask(MembersPreflight("beta", "127.0.0.2", 8006, NONCE))
        with pytest.raises(NotInCluster):
            await node.ask(TokenPreflight(Secret("t"), "", 1, "beta", "127.0.0.2", 8006, NONCE))


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"port": 22}, "port"),
        ({"nonce": "zz"}, "nonce"),
        ({"nonce": NONCE + "00"}, "nonce"),
        ({"address": "not an address"}, "address"),
        ({"links": {9: "127.0.0.2"}}, "link9"),
        ({"links": {0: "224.0.0.1"}}, "link0"),
    ],
)
async def test_nothing_is_tried_but_what_a_join_could_name(tmp_path, wish, field):
    asked = {"node": "beta", "address": "127.0.0.2", "port": 8006, "nonce": NONCE, "links": {0: "127.0.0.2"}} | wish
    async with alone(tmp_path / "alpha") as node:
        with pytest.raises(InvalidInput) as refused:
            await node.ask(MembersPreflight(**asked))
        assert field in refused.value.fields


async def test_a_check_is_followed_to_its_end_and_an_unknown_one_is_not_found(tmp_path):
    async with alone(tmp_path / "alpha") as node:
        asking = handlers.table(node.daemon)
        id_ = (await asking[CheckCreate](CheckCreate()))["id"]
        state = {"done": False, "findings": []}
        while not state["done"]:
            state = await asking[CheckState](CheckState(id_, after=len(state["findings"]), wait_s=10))
        assert {"membership", "space", "bond"} <= {one["code"] for one in state["findings"]}
        with pytest.raises(NotFound):
            await node.ask(CheckState("nothing"))


async def test_leftovers_are_kept_in_a_backup(tmp_path):
    async with alone(tmp_path / "alpha") as node:
        folder = tmp_path / "alpha" / "corosync"
        (folder / "qdevice" / "net" / "nssdb").mkdir(parents=True)
        (folder / "authkey").write_bytes(b"k" * 256)
        done = await node.ask(RemoveLeftovers())
        kept = tmp_path / "alpha" / "backup" / done["backup"]
        assert (kept / "authkey").read_bytes() == b"k" * 256 and (kept / "net" / "nssdb").is_dir()
        assert not (folder / "authkey").exists() and len(done["files"]) == 2
        assert (await node.ask(RemoveLeftovers()))["backup"] == ""


async def test_a_survey_that_goes_wrong_ends_neither_the_daemon_nor_the_next_one(tmp_path, monkeypatch):
    async with alone(tmp_path / "alpha") as node:
        surveys = Surveys(node.daemon)

        async def surprise(asked):
            raise RuntimeError("surprise")

        monkeypatch.setattr(surveys, "_answer_to", surprise)
        for _ in range(2 * REPLYING_MAX):
            node.daemon.board.surveyed(1, SurveyAsked("x", ()))
            await asyncio.sleep(0)
        assert not node.daemon.background.ended.is_set()
