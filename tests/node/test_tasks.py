"""Tasks: their names, logs, outcomes, and what a restart makes of them."""

import asyncio

import pytest

from cluster.errors import Busy, NotFound, TaskFailed
from cluster.model import TaskState
from cluster.node import tasks
from cluster.node.task_log import TaskFiles, one_safe_line
from cluster.node.tasks import TaskLines, TaskRunner
from cluster.node.upid import parse_upid

NOW_S = 0x68A1B6C3


class Killed(BaseException):
    """The daemon dies here: nothing after this runs."""


@pytest.fixture
def runner(tmp_path):
    return TaskRunner(tmp_path / "tasks", "alpha", lambda: NOW_S)


async def ended(runner, work, type_="clustercreate", id_="demo"):
    upid = runner.start(type_, id_, "root@pam", work)
    return await runner.wait(upid, 10)


def texts(runner, upid):
    return [text for _, text in runner.log(upid, 0, 0)[1]]


async def say_two_things(task):
    task.log("one")
    task.log("two")


async def test_a_task_that_ends_well_is_ok(runner):
    state = await ended(runner, say_two_things)
    assert (state.status, state.end_time_s, state.progress) == ("OK", NOW_S, 1.0)
    assert texts(runner, state.upid) == ["one", "two", "TASK OK"]


async def test_a_task_that_fails_says_why_in_one_line(runner):
    async def work(task):
        raise TaskFailed("no answer\nfrom 10.0.0.2\x1b[2J")

    state = await ended(runner, work)
    assert state.status == "no answer\\nfrom 10.0.0.2\\x1b[2J"
    assert texts(runner, state.upid) == ["TASK ERROR: no answer\\nfrom 10.0.0.2\\x1b[2J"]


async def test_warnings_are_counted_in_the_outcome(runner):
    async def work(task):
        task.warn("the clock is off")
        task.warn("twice")

    state = await ended(runner, work)
    assert state.status == "WARNINGS: 2"
    assert texts(runner, state.upid) == ["WARN: the clock is off", "WARN: twice", "TASK WARNINGS: 2"]


async def test_a_surprise_does_not_put_its_text_into_the_log(runner):
    async def work(task):
        raise RuntimeError("password=hunter2")

    state = await ended(runner, work)
    assert "hunter2" not in state.status + "".join(texts(runner, state.upid)) and "RuntimeError" in state.status


async def test_the_log_lies_where_proxmox_puts_it(runner, tmp_path):
    state = await ended(runner, say_two_things)
    file = tmp_path / "tasks" / "3" / state.upid
    assert file.read_text() == "one\ntwo\nTASK OK\n"
    assert (tmp_path / "tasks" / "index").read_text() == f"{state.upid} {NOW_S:08X} OK\n"
    assert (tmp_path / "tasks" / "active").read_text() == ""


async def test_two_tasks_alike_within_a_second_have_two_names(runner):
    first, second = await ended(runner, say_two_things), await ended(runner, say_two_things)
    assert first.upid != second.upid
    assert texts(runner, first.upid) == texts(runner, second.upid) == ["one", "two", "TASK OK"]


@pytest.mark.parametrize(
    "line", ["a\nb", "\x1b]52;c;aGk=\x07", "\x1b]8;;http://x\x1b\\", "\u202egnp.exe", "\x90q", "\r\x00", "\u2028"]
)
async def test_t57_nothing_in_a_line_reaches_a_terminal_as_more_than_text(runner, line):
    async def work(task):
        task.log(line)

    state = await ended(runner, work)
    raw = texts(runner, state.upid)
    assert len(raw) == 2 and raw[0].isprintable()


def test_t57_a_line_of_a_megabyte_is_shortened():
    assert len(one_safe_line("x" * 1_000_000)) <= 4096


async def test_a_log_that_never_stops_is_cut_with_a_note(runner, monkeypatch):
    monkeypatch.setattr(tasks, "LINES_MAX", 3)

    async def work(task):
        for number in range(100):
            task.log(str(number))

    state = await ended(runner, work)
    assert texts(runner, state.upid) == ["0", "1", "2", "(further lines are not kept)", "TASK OK"]


async def test_lines_are_counted_from_one_and_read_in_portions(runner):
    state = await ended(runner, say_two_things)
    assert runner.log(state.upid, 1, 1) == (3, ((2, "two"),))
    assert runner.log(state.upid, 0, 0)[1][-1] == (3, "TASK OK")
    assert runner.log(state.upid, 9, 1) == (3, ())


async def test_a_subscriber_hears_of_everything_in_order(runner):
    heard = []
    runner.subscribe(heard.append)

    async def work(task):
        task.step("checking", 0.25)
        task.log("one")

    state = await ended(runner, work)
    told = [(h.step, h.progress, h.status) if isinstance(h, TaskState) else (h.first, h.lines) for h in heard]
    assert told == [
        ("", 0.0, ""),
        ("checking", 0.25, ""),
        (1, ("one",)),
        (2, ("TASK OK",)),
        ("checking", 1.0, "OK"),
    ]
    assert {h.upid for h in heard} == {state.upid}


async def test_who_stopped_listening_hears_nothing_more(runner):
    heard: list[TaskState | TaskLines] = []
    runner.subscribe(heard.append)()
    await ended(runner, say_two_things)
    assert heard == []


async def test_stop_cancels_a_task_and_lets_it_undo(runner):
    undone = []
    running = asyncio.Event()

    async def work(task):
        running.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            undone.append(True)
            raise TaskFailed("Stopped; everything was taken back.") from None

    upid = runner.start("clusterjoin", "", "root@pam", work)
    await running.wait()
    runner.stop(upid)
    assert (await runner.wait(upid, 10)).status == "Stopped; everything was taken back." and undone


async def test_a_task_stopped_before_it_began_begins_and_ends(runner):
    released = []

    async def work(task):
        try:
            await asyncio.sleep(60)
        finally:
            released.append(True)

    upid = runner.start("clusterjoin", "", "root@pam", work)
    runner.stop(upid)
    assert (await runner.wait(upid, 10)).status == "stopped" and released
    assert texts(runner, upid) == ["TASK ERROR: stopped"]
    runner.stop(upid)


async def test_running_tasks_come_first_and_the_newest_before_the_older(runner):
    done = [await ended(runner, say_two_things) for _ in range(2)]
    go = asyncio.Event()

    async def work(task):
        await go.wait()

    upid = runner.start("clusterjoin", "", "root@pam", work)
    assert [s.upid for s in runner.list()] == [upid, done[1].upid, done[0].upid]
    assert [s.upid for s in runner.list(1)] == [upid]
    go.set()
    await runner.wait(upid, 10)


async def test_a_task_nobody_knows_is_not_found(runner):
    for ask in (runner.status, runner.log, runner.stop):
        with pytest.raises(NotFound):
            ask("UPID:alpha:00001267:075BCD15:68A1B6C3:clusterjoin::root@pam:")
        with pytest.raises(NotFound):
            ask("../../etc/passwd")


async def test_only_so_many_tasks_run_at_once(runner, monkeypatch):
    monkeypatch.setattr(tasks, "RUNNING_MAX", 1)
    upid = runner.start("clusterjoin", "", "root@pam", say_two_things)
    with pytest.raises(Busy):
        runner.start("clusterjoin", "", "root@pam", say_two_things)
    await runner.wait(upid, 10)


async def test_the_oldest_finished_tasks_are_forgotten_with_their_logs(runner, monkeypatch, tmp_path):
    monkeypatch.setattr(tasks, "FINISHED_MAX", 2)
    states = [await ended(runner, say_two_things) for _ in range(3)]
    assert [s.upid for s in runner.list()] == [states[2].upid, states[1].upid]
    assert len(list((tmp_path / "tasks" / "3").iterdir())) == 2


async def test_closing_stops_what_runs(runner):
    upid = runner.start("clusterjoin", "", "root@pam", lambda task: asyncio.sleep(60))
    await asyncio.sleep(0)
    await runner.close()
    assert runner.status(upid).status == "stopped"


# --- after a restart --------------------------------------------------------------------------------------------------


def restarted(tmp_path):
    return TaskRunner(tmp_path / "tasks", "alpha", lambda: NOW_S + 100)


async def killed_while_running(runner):
    async def work(task):
        task.log("one")
        raise Killed

    upid = runner.start("clusterjoin", "", "root@pam", work)
    job = runner._jobs[upid]
    await asyncio.wait({job})
    assert isinstance(job.exception(), Killed)
    return upid


async def test_finished_tasks_survive_a_restart(runner, tmp_path):
    states = [await ended(runner, say_two_things) for _ in range(3)]
    again = restarted(tmp_path)
    assert [s.upid for s in again.list()] == [s.upid for s in reversed(states)]
    assert again.status(states[0].upid).status == "OK"
    assert texts(again, states[0].upid) == ["one", "two", "TASK OK"]


async def test_a_task_that_ran_when_the_daemon_died_has_an_unexpected_status(runner, tmp_path):
    upid = await killed_while_running(runner)
    again = restarted(tmp_path)
    assert again.interrupted == (upid,) and again.status(upid).end_time_s is None
    again.abandon_interrupted()
    assert again.interrupted == () and again.status(upid).status == "unexpected status"
    assert texts(again, upid)[-1] == "TASK ERROR: unexpected status"
    assert restarted(tmp_path).status(upid).status == "unexpected status"


async def test_an_interrupted_task_is_concluded_by_who_knows_its_end(runner, tmp_path):
    upid = await killed_while_running(runner)
    again = restarted(tmp_path)
    again.conclude(upid, ["Taken back: corosync stopped"], "The daemon ended; everything was taken back.")
    again.abandon_interrupted()
    assert texts(again, upid) == [
        "one",
        "Taken back: corosync stopped",
        "TASK ERROR: The daemon ended; everything was taken back.",
    ]
    assert restarted(tmp_path).interrupted == ()


async def test_a_task_whose_last_line_was_written_but_not_its_index_has_ended(runner, tmp_path):
    upid = await killed_while_running(runner)
    TaskFiles(tmp_path / "tasks").append(parse_upid(upid), ["TASK ERROR: no quorum"])
    again = restarted(tmp_path)
    assert again.interrupted == () and again.status(upid).status == "no quorum"


async def test_a_damaged_index_costs_only_its_damaged_lines(runner, tmp_path):
    state = await ended(runner, say_two_things)
    index = tmp_path / "tasks" / "index"
    index.write_bytes(b"\xff\xfe garbage\nUPID:alpha:1:2\n" + index.read_bytes() + b"UPID:al")
    assert [s.upid for s in restarted(tmp_path).list()] == [state.upid]
