"""A change of links that is confirmed early: not while links are still taken out, and then without waiting on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from cluster.corosync import conf
from cluster.errors import Conflict, TaskFailed
from cluster.model import LinkState, Revision, StoreState
from cluster.workflow import link_trial
from cluster.workflow.change_links import CONFIGURATION, change_links
from cluster.workflow.clock import JumpingClock
from cluster.workflow.host import StoredFile
from cluster.workflow.journal import Journal
from cluster.workflow.link_plan import LinkPlan, plan_links
from cluster.workflow.link_trial import Trial
from tests.workflow.test_link_plan import cluster, moved
from tests.workflow.world import Story


class Links:
    """Two nodes' links as the workflow sees them. `silent` polls pass before a change is heard over; `meanwhile`
    happens at each of them."""

    def __init__(self, silent: int, meanwhile: Callable[[Links], None]) -> None:
        self.files: dict[str, bytes] = {CONFIGURATION: conf.render(cluster()).encode()}
        self.silent, self.meanwhile, self._left = silent, meanwhile, 0

    async def store_read(self, path: str) -> StoredFile | None:
        data = self.files.get(path)
        return StoredFile(data, conf.digest(data)) if data is not None else None

    async def store_state(self) -> StoreState:
        return StoreState(True, "", Revision(1, 1), "")

    async def online_nodes(self) -> frozenset[str]:
        return frozenset({"alpha", "beta"})

    async def check_configuration(self, text: bytes) -> None: ...

    async def cluster_log(self, sentence: str) -> None: ...

    async def missing_addresses(self, needed: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return ()

    async def commit_links(self, document: bytes, expected_digest: str, trial: Trial | None) -> None:
        assert expected_digest == conf.digest(self.files[CONFIGURATION])
        self.files[CONFIGURATION], self._left = document, self.silent
        if trial is not None:
            self.files[link_trial.PATH] = link_trial.encode(trial)

    async def trial(self) -> Trial | None:
        return link_trial.decode(self.files.get(link_trial.PATH))

    async def confirm(self) -> None:
        self.confirm_now()

    def confirm_now(self) -> None:
        trial = link_trial.decode(self.files[link_trial.PATH])
        assert trial is not None
        link_trial.check_whole(trial, self.files[CONFIGURATION])
        del self.files[link_trial.PATH]

    async def go_back(self) -> None:
        trial = await self.trial()
        if trial is not None:
            self.files[CONFIGURATION] = trial.fallback.encode()
            del self.files[link_trial.PATH]

    async def link_states(self) -> Mapping[int, tuple[LinkState, ...]]:
        self._left -= 1
        if self._left >= 0:
            self.meanwhile(self)
            return {}
        nodes = conf.parse(self.files[CONFIGURATION]).nodes()
        return {
            node.node_id: tuple(
                LinkState(peer.node_id, link.number, True, peer_address=link.address)
                for peer in nodes
                for link in peer.links
                if peer is not node
            )
            for node in nodes
        }


async def change(links: Links, folder: Path, at_once: bool = False) -> tuple[LinkPlan, Story]:
    plan, story = plan_links(cluster(), [moved(1, 21)]), Story()
    wanted, fallback = conf.render(plan.steps[-1].document), conf.render(plan.fallback)
    trial = Trial("t", "root@pam", 60.0, 60, fallback, wanted)
    await change_links(links, plan, trial, at_once, Journal(folder / "links.json"), story, JumpingClock())
    return plan, story


def confirm(links: Links) -> None:
    if link_trial.PATH in links.files:
        links.confirm_now()


def confirm_once_whole(links: Links) -> None:
    if conf.parse(links.files[CONFIGURATION]).nodes()[0].links[-1].number == 1:
        confirm(links)


def addresses(links: Links) -> list[str]:
    return [link.address for link in conf.parse(links.files[CONFIGURATION]).nodes()[0].links]


async def test_while_a_link_is_taken_out_for_its_new_addresses_nothing_can_be_confirmed(tmp_path: Path) -> None:
    refused: list[str] = []

    def too_early(links: Links) -> None:
        if len(addresses(links)) == 1:
            with pytest.raises(Conflict) as caught:
                links.confirm_now()
            refused.append(caught.value.message)
        else:
            confirm(links)

    links = Links(2, too_early)
    await change(links, tmp_path)
    assert addresses(links) == ["10.0.0.1", "10.21.0.1"]
    assert len(refused) == 2 and "still being changed" in refused[0]


@pytest.mark.parametrize("at_once", [False, True])
async def test_what_is_confirmed_before_every_node_hears_every_peer_stays(tmp_path: Path, at_once: bool) -> None:
    links = Links(3, confirm_once_whole)
    _, story = await change(links, tmp_path, at_once)
    assert addresses(links) == ["10.0.0.1", "10.21.0.1"] and link_trial.PATH not in links.files
    assert "went back" not in story.text


async def test_what_went_back_meanwhile_is_told_as_such(tmp_path: Path) -> None:
    def time_is_over(links: Links) -> None:
        trial = link_trial.decode(links.files.pop(link_trial.PATH, None))
        if trial is not None:
            links.files[CONFIGURATION] = trial.fallback.encode()

    links = Links(2, time_is_over)
    with pytest.raises(TaskFailed, match="its time was over"):
        await change(links, tmp_path)
    assert addresses(links) == ["10.0.0.1", "10.1.0.1"]
