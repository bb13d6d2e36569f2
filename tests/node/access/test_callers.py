"""For whom a request is made is proved by what comes with it: of a real node, as its control socket would ask."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import time_machine

from cluster.control import access_requests as ask
from cluster.control import requests as base
from cluster.errors import Forbidden, NotFound, Unauthenticated
from cluster.node.tasks import TaskContext
from cluster.secret import Secret
from tests.cast import ALICE, BOB
from tests.node.access.test_requests import PASSWORD, ROOT
from tests.node.alone import Alone, alone


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Alone]:
    async with alone(tmp_path / "alpha") as running:
        for user in (ALICE, BOB):
            await running.ask(ask.UserAdd(ROOT, user, PASSWORD))
        yield running


async def ticket(node: Alone, user: str = ALICE) -> Secret:
    return Secret((await node.ask(base.Login(user, PASSWORD)))["ticket"])


def admit(node: Alone, request: base.Request, by: Secret, trusted: bool = False) -> None:
    node.daemon.access.callers.admit(request, by, trusted)


async def test_the_site_asks_for_nobody_but_whose_ticket_it_shows(node: Alone) -> None:
    hers = await ticket(node)
    admit(node, ask.UserList(ALICE), hers)
    for user in (ROOT, BOB, "alice@pve!token"):
        for trusted in (False, True):
            with pytest.raises(Forbidden):
                admit(node, ask.UserList(user), hers, trusted)
    with pytest.raises(Forbidden):
        admit(node, ask.UserList(ALICE), Secret())
    with pytest.raises(Forbidden):
        admit(node, base.StoreWrite("datacenter.cfg", b""), Secret())  # root@pam, where nobody is named
    admit(node, base.Status(), Secret())
    admit(node, ask.UserList(ROOT), Secret(), trusted=True)


async def test_a_token_is_shown_like_a_ticket(node: Alone) -> None:
    made = await node.ask(ask.TokenAdd(ALICE, ALICE, "backup"))
    shown = Secret(f"{made['full-tokenid']}={made['value']}")
    admit(node, ask.UserList("alice@pve!backup"), shown)
    with pytest.raises(Forbidden):
        admit(node, ask.UserList(ALICE), shown)
    await node.ask(ask.TokenRemove(ALICE, ALICE, "backup"))
    with pytest.raises(Unauthenticated):
        admit(node, ask.UserList("alice@pve!backup"), shown)


async def test_what_was_found_good_is_not_when_something_changed(node: Alone) -> None:
    hers, his = await ticket(node), await ticket(node, BOB)
    for user, by in ((ALICE, hers), (BOB, his)):
        admit(node, ask.UserList(user), by)
    await node.ask(base_sign_out(hers))
    with pytest.raises(Unauthenticated):
        admit(node, ask.UserList(ALICE), hers)
    await node.ask(ask.UserChange(ROOT, BOB, enable=False))
    with pytest.raises(Unauthenticated):
        admit(node, ask.UserList(BOB), his)
    roots = await ticket_of_root(node)
    admit(node, ask.UserList(ROOT), roots)
    await node.daemon.access.rotation.rotate(forget_former=True)
    with pytest.raises(Unauthenticated):
        admit(node, ask.UserList(ROOT), roots)


async def test_t64_a_kept_ticket_ends_in_its_time_whatever_clocks_say(node: Alone) -> None:
    hers = await ticket(node)
    admit(node, ask.UserList(ALICE), hers)
    with time_machine.travel(time.time() + 7300, tick=True), pytest.raises(Unauthenticated):
        admit(node, ask.UserList(ALICE), hers)
    with time_machine.travel(time.time() - 600, tick=True), pytest.raises(Unauthenticated):
        node.daemon.access.verify((await ticket_ahead(node)).reveal())


async def test_t36_a_task_s_log_is_read_by_who_may_and_by_no_secret_in_a_list(node: Alone) -> None:
    async def work(context: TaskContext) -> None:
        context.log("her line")

    upid = node.daemon.tasks.start("aptupdate", "", ALICE, work)
    assert (await node.ask(base.TaskStatus(upid, ALICE)))["user"] == ALICE
    for request in (base.TaskStatus(upid, BOB), base.TaskLog(upid, user=BOB), base.TaskStop(upid, BOB)):
        with pytest.raises(Forbidden):
            await node.ask(request)
    await node.ask(ask.AclChange(ROOT, "/nodes", ["PVEAuditor"], users=[BOB]))
    await node.ask(base.TaskLog(upid, user=BOB))
    with pytest.raises(Forbidden):
        await node.ask(base.TaskStop(upid, BOB))
    with pytest.raises(NotFound):
        await node.ask(base.TaskLog(upid.replace("alice", "bob"), user=BOB))
    row = (await node.ask(base.TaskList()))[0]
    assert not {name for name in row if any(word in name for word in ("secret", "ticket", "token", "key", "port"))}


def base_sign_out(by: Secret) -> base.Request:
    return ask.SignOut(by)


async def ticket_of_root(node: Alone) -> Secret:
    return Secret(node.daemon.keys.tickets().issue(ROOT, time.time()))


async def ticket_ahead(node: Alone) -> Secret:
    return Secret(node.daemon.keys.tickets().issue(ALICE, time.time() + 600))
