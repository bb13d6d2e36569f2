"""How steps run, fail, stop and are taken back, whatever they do."""

import asyncio

import pytest

from cluster.errors import TaskFailed, Unavailable
from cluster.workflow import steps
from cluster.workflow.journal import Journal
from cluster.workflow.steps import Step, UndoStep, Workflow, run
from tests.workflow.world import Story


class Bench:
    """Three steps that write down what they do; any may be replaced."""

    def __init__(self, folder):
        self.journal, self.story, self.done = Journal(folder / "workflow.json"), Story(), []
        self.begun_when = {}

    def step(self, name, do=None, deadline_s=5.0, advice=""):
        async def plain(this):
            self.begun_when[name] = self.journal.read().begun
            this.note(**{name: "noted"})
            self.done.append(name)

        return Step(name, name.capitalize(), do or plain, deadline_s, advice)

    def undo(self, name, error=None, left_over=""):
        async def plain(facts):
            if error is not None:
                raise error
            self.done.append(f"undo {name} {facts.get(name, '')}".strip())

        return UndoStep(f"Undo {name}", plain, left_over)

    async def run(self, *replacing, finishing=(), undo=None):
        chosen = {step.name: step for step in (*map(self.step, ("one", "two", "three")), *replacing)}
        undo = undo or {name: self.undo(name) for name in ("one", "two", "three")}
        await run(Workflow("bench", list(chosen.values()), list(finishing), undo, "Done."), self.journal, self.story)

    async def failure(self, *replacing, **rest):
        with pytest.raises(TaskFailed) as caught:
            await self.run(*replacing, **rest)
        return caught.value.message


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def failing(error):
    async def do(this):
        raise error

    return do


async def test_steps_run_in_order_and_each_is_in_the_journal_before_it_begins(bench):
    await bench.run()
    assert bench.done == ["one", "two", "three"]
    assert bench.begun_when == {"one": ["one"], "two": ["one", "two"], "three": ["one", "two", "three"]}
    assert bench.journal.read() is None
    assert bench.story.lines == ["One: OK", "Two: OK", "Three: OK", "Done."]


async def test_a_failing_step_undoes_itself_and_all_before_it_in_reverse(bench):
    sentence = await bench.failure(bench.step("two", failing(Unavailable("no disk")), advice="Buy one."))
    assert bench.done == ["one", "undo two", "undo one noted"]
    assert sentence == "Two failed: no disk. Everything was taken back; this node is as it was before. Buy one."
    assert bench.story.lines == ["One: OK", "Two failed: no disk.", "Undo two: OK", "Undo one: OK"]


async def test_a_step_that_takes_too_long_is_ended_with_what_it_last_said(bench):
    async def endless(this):
        this.say("waiting for the moon")
        await asyncio.sleep(60)

    sentence = await bench.failure(bench.step("two", endless, deadline_s=0.05))
    assert sentence.startswith("Two failed: it was not done within 0.05 s. Last: waiting for the moon.")
    assert bench.done == ["one", "undo two", "undo one noted"]


async def test_a_surprise_is_taken_back_too_and_keeps_its_text_to_itself(bench):
    sentence = await bench.failure(bench.step("three", failing(ZeroDivisionError("password=hunter2"))))
    assert "internal error (ZeroDivisionError)" in sentence and "hunter2" not in sentence + bench.story.text
    assert bench.done[-1] == "undo one noted"


async def test_an_undo_that_hangs_or_fails_does_not_keep_the_others_from_being_done(bench, monkeypatch):
    monkeypatch.setattr(steps, "UNDO_DEADLINE_S", 0.05)

    async def endless(facts):
        await asyncio.sleep(60)

    undo = {"one": bench.undo("one"), "two": UndoStep("Undo two", endless), "three": bench.undo("three", OSError("x"))}
    sentence = await bench.failure(bench.step("three", failing(Unavailable("no"))), undo=undo)
    assert "“Undo two” did not succeed" in sentence and "“Undo three” did not succeed" in sentence
    assert bench.done[-1] == "undo one noted"
    assert bench.journal.read().begun == ["two", "three"]


async def test_a_failure_after_everything_is_complete_is_a_warning(bench):
    seen = []

    async def late(this):
        seen.append(bench.journal.read().state)
        raise Unavailable("not now")

    await bench.run(finishing=[bench.step("late", late, advice="Later.")])
    assert seen == ["complete"] and bench.story.warnings == ["Late failed: not now. Later."]
    assert bench.done == ["one", "two", "three"] and bench.story.lines[-1] == "Done."


async def test_stopping_in_the_finishing_changes_nothing_any_more(bench):
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow(this):
        reached.set()
        await go_on.wait()

    task = asyncio.create_task(bench.run(finishing=[bench.step("late", slow)]))
    await reached.wait()
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    await task
    assert bench.story.lines[-1] == "Done." and bench.journal.read() is None


async def test_a_journal_that_cannot_be_written_stops_before_the_step(bench, monkeypatch):
    written = []
    real = Journal.write

    def full(self, record):
        if len(written) == 2:
            raise Unavailable("the disk is full")
        written.append(record)
        real(self, record)

    monkeypatch.setattr(Journal, "write", full)
    sentence = await bench.failure()
    assert "Two failed: the disk is full." in sentence and "two" not in bench.done
    assert bench.done == ["one", "undo two", "undo one noted"]


async def test_an_unfinished_workflow_forbids_another(bench):
    undo = {"one": bench.undo("one", Unavailable("no"))}
    await bench.failure(bench.step("two", failing(Unavailable("no"))), undo=undo)
    assert "not taken back yet" in await bench.failure()
    assert bench.done == ["one"]


def test_a_journal_is_private_and_a_damaged_one_is_reported(tmp_path):
    journal = Journal(tmp_path / "workflow.json")
    assert journal.read() is None
    journal.write(steps.Record("create", "UPID", "root@pam", {"a": "b"}, ["one"]))
    assert (tmp_path / "workflow.json").stat().st_mode & 0o777 == 0o600
    assert journal.read().facts == {"a": "b"} and [p.name for p in tmp_path.iterdir()] == ["workflow.json"]
    (tmp_path / "workflow.json").write_bytes(b'{"workflow":')
    with pytest.raises(Unavailable):
        journal.read()
    journal.clear()
    assert journal.read() is None
