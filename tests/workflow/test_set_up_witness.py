"""Setting up a witness and taking it away, on the fake: all of it, or the configuration and the token as they were."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.corosync import conf
from cluster.corosync.conf.device_edits import device_of
from cluster.errors import InvalidInput, PeerError, TaskFailed, Unavailable
from cluster.model import Link, Node
from cluster.witness.agent import line_to_paste
from cluster.workflow.clock import JumpingClock
from cluster.workflow.fake_host import Killed
from cluster.workflow.fake_witness_host import CONFIGURATION, FakeWitnessHost
from cluster.workflow.journal import Journal
from cluster.workflow.set_up_witness import remove_witness, set_up_witness, undo_steps
from cluster.workflow.steps import take_back
from cluster.workflow.witness_rule import PATH, decode
from tests.workflow.world import Story

WITNESS = "10.0.0.9"
LINE = line_to_paste(WITNESS, 5402, ":".join(["AB"] * 32), "t" * 43)
# Every method with an effect: a daemon may die, or the method fail, before it and after it.
EFFECTS = ["enrol", "commit_witness", "cluster_log", "witness_seen", "witness_votes"]
NAMES = ["alpha", "beta", "gamma", "delta"]


def document_of(count: int, **quorum: str) -> conf.Document:
    document = conf.new("demo", Node("alpha", 1, 1, (Link(0, "10.0.0.1"),)))
    for number in range(2, count + 1):
        document = conf.add_node(document, Node(NAMES[number - 1], number, 1, (Link(0, f"10.0.0.{number}"),)))
    section = document.root.only("quorum")
    assert section is not None
    for key, value in quorum.items():
        section = section.with_value(key, value)
    return conf.Document(document.root.with_sections("quorum", [section]))


class Stage:
    def __init__(self, folder: Any, count: int = 2, **quorum: str) -> None:
        self.host = FakeWitnessHost(conf.render(document_of(count, **quorum)).encode())
        self.journal, self.story = Journal(folder / "witness.json"), Story()

    async def set_up(self, line: str = LINE, force: bool = False) -> None:
        await set_up_witness(self.host, line, force, self.journal, self.story, JumpingClock(), "r1")

    async def remove(self) -> None:
        await remove_witness(self.host, self.journal, self.story, JumpingClock())

    async def refusal(self, doing: Any) -> str:
        with pytest.raises(TaskFailed) as failed:
            await doing
        return failed.value.message

    async def restart(self) -> None:
        """The daemon starts again, and takes back what the journal tells of."""
        self.host.fail, self.host.fail_after = {}, {}
        record = self.journal.read()
        if record is not None:
            await take_back(undo_steps(self.host), record, self.journal)

    @property
    def document(self) -> conf.Document:
        return conf.parse(self.host.files[CONFIGURATION])

    def is_untouched(self) -> bool:
        """As at the beginning, but for the version, which only rises."""
        without = PATH not in self.host.files and device_of(self.document) is None
        return without and not self.host.token_used and self.journal.read() is None


async def test_two_nodes_get_a_witness_with_one_vote(tmp_path):
    stage = Stage(tmp_path)
    await stage.set_up()
    device = device_of(stage.document)
    assert device is not None and (device.get("model"), device.get("votes")) == ("net", "1")
    net = device.only("net")
    assert net is not None and dict(net.values) == {"algorithm": "ffsplit", "host": WITNESS, "tls": "on"}
    record = decode(stage.host.files[PATH])
    assert record is not None and (record.ca, record.bundle, record.host) == (b"authority", b"bundle", WITNESS)
    assert stage.host.agent_ended and stage.journal.read() is None
    assert stage.story.lines[-1] == f"The witness at {WITNESS} has its vote."


async def test_removing_it_leaves_the_configuration_as_it_was_before(tmp_path):
    stage = Stage(tmp_path)
    before = stage.document
    await stage.set_up()
    await stage.remove()
    assert stage.document.config_version == before.config_version + 2
    assert conf.with_version(stage.document, before.config_version) == before
    assert PATH not in stage.host.files


async def test_an_odd_number_is_refused_and_by_force_gets_all_but_one_votes(tmp_path):
    stage = Stage(tmp_path, 3)
    assert "With 3 nodes, an odd number, a witness gains nothing" in await stage.refusal(stage.set_up())
    assert stage.is_untouched()
    await stage.set_up(force=True)
    device = device_of(stage.document)
    assert device is not None and device.get("votes") == ""
    assert device.only("net").get("algorithm") == "lms"


async def test_a_node_alone_gets_none(tmp_path):
    stage = Stage(tmp_path, 1)
    assert "needs at least two nodes" in await stage.refusal(stage.set_up(force=True))


async def test_a_second_witness_is_refused(tmp_path):
    stage = Stage(tmp_path)
    await stage.set_up()
    stage.host.token_used = False
    assert "has a witness already" in await stage.refusal(stage.set_up())
    assert decode(stage.host.files[PATH]) is not None


@pytest.mark.parametrize("key", ["two_node", "auto_tie_breaker", "last_man_standing"])
async def test_what_corosync_does_not_take_beside_a_device_is_told(tmp_path, key):
    stage = Stage(tmp_path, 2, **{key: "1"})
    assert f"no witness beside {key}" in await stage.refusal(stage.set_up())


async def test_every_node_must_be_there_and_have_the_programs(tmp_path):
    stage = Stage(tmp_path)
    stage.host.online.discard("beta")
    assert "not here: beta" in await stage.refusal(stage.set_up())
    stage.host.online.add("beta")
    stage.host.seen["beta"] = type(stage.host.seen["beta"])(installed=False)
    assert "not on: beta" in await stage.refusal(stage.set_up())
    stage.host.writable = False
    assert "too few votes" in await stage.refusal(stage.set_up())
    assert stage.is_untouched()


async def test_a_witness_that_no_node_reaches_is_taken_out_again_and_its_token_given_back(tmp_path):
    stage = Stage(tmp_path)
    stage.host.silent = True
    said = await stage.refusal(stage.set_up())
    assert "alpha is not connected to the witness yet (Connecting)" in said
    assert "Everything was taken back" in said and "Is port 5403/tcp of 10.0.0.9 open" in said
    assert stage.is_untouched()
    assert any("taken out again" in line for line in stage.host.logged)


@pytest.mark.parametrize("effect", EFFECTS)
async def test_what_fails_at_any_effect_is_taken_back(tmp_path, effect):
    stage = Stage(tmp_path)
    stage.host.fail_after[effect] = Unavailable("the disk is full")
    with pytest.raises(TaskFailed):
        await stage.set_up()
    await stage.restart()  # what could not be taken back at once is taken back then
    assert stage.is_untouched()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("effect", EFFECTS)
async def test_a_daemon_killed_at_any_effect_ends_where_it_began(tmp_path, effect, when):
    stage = Stage(tmp_path)
    (stage.host.fail if when == "before" else stage.host.fail_after)[effect] = Killed()
    with pytest.raises(Killed):
        await stage.set_up()
    await stage.restart()
    assert stage.is_untouched()
    await stage.set_up()
    assert device_of(stage.document) is not None


async def test_a_daemon_killed_in_the_removal_has_removed_it_or_not(tmp_path):
    for when in ("fail", "fail_after"):
        folder = tmp_path / when
        folder.mkdir()
        stage = Stage(folder)
        await stage.set_up()
        getattr(stage.host, when)["commit_witness"] = Killed()
        with pytest.raises(Killed):
            await stage.remove()
        await stage.restart()
        assert (device_of(stage.document) is None) == (PATH not in stage.host.files) == (when == "fail_after")
        assert stage.journal.read() is None


async def test_taking_back_says_when_the_witness_could_not_be_told(tmp_path):
    stage = Stage(tmp_path)
    stage.host.silent = True
    stage.host.fail["give_token_back"] = PeerError("It cannot be reached.")
    said = await stage.refusal(stage.set_up())
    assert "The witness could not be told: It cannot be reached. Start its program again" in said
    assert PATH not in stage.host.files and device_of(stage.document) is None


async def test_there_is_nothing_to_remove_without_one(tmp_path):
    stage = Stage(tmp_path)
    assert "This cluster has no witness." in await stage.refusal(stage.remove())


async def test_without_quorum_it_is_not_removed(tmp_path):
    stage = Stage(tmp_path)
    await stage.set_up()
    stage.host.writable = False
    assert "cannot be removed now" in await stage.refusal(stage.remove())
    assert device_of(stage.document) is not None


async def test_a_change_of_the_nodes_meanwhile_is_noticed(tmp_path):
    stage = Stage(tmp_path)
    enrol = stage.host.enrol

    async def and_a_node_comes(*arguments: Any) -> Any:
        told = await enrol(*arguments)
        stage.host.files[CONFIGURATION] = conf.render(document_of(3)).encode()
        return told

    stage.host.enrol = and_a_node_comes
    said = await stage.refusal(stage.set_up())
    assert "odd number" in said
    assert stage.is_untouched()


@pytest.mark.parametrize("line", ["", "quire-witness:", "quire-witness:e30", LINE[:-20], "10.0.0.9", LINE + "x" * 3000])
async def test_what_the_witness_never_printed_is_refused_before_anything(tmp_path, line):
    stage = Stage(tmp_path)
    with pytest.raises(InvalidInput):
        await stage.set_up(line)
    assert stage.is_untouched()
