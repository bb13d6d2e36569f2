"""What people write is text on every page: a corpus of markup, scripts and templates is put wherever something can be
written, and each page then has exactly the elements and attributes it has when plain words stand there.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cluster.control import access_requests as ask
from cluster.control.requests import StoreWrite
from cluster.errors import InvalidInput
from cluster.node.tasks import TaskContext
from datacenter import gateway
from datacenter.access import tickets
from tests.datacenter.reader import Reader
from tests.node.alone import Alone, alone
from tests.security.corpus import PAYLOADS, PLAIN, Shape

ROOT, PERMISSIONS = "root@pam", "/datacenter/permissions"
PAGES = (
    f"{PERMISSIONS}/users", f"{PERMISSIONS}/groups", f"{PERMISSIONS}/tokens", f"{PERMISSIONS}/acl",
    f"{PERMISSIONS}/rights?userid=user0@pve", f"{PERMISSIONS}/users/edit?userid=user3@pve", "/datacenter/options",
    "/datacenter/options/options/edit-description?name=description", "/datacenter/log", "/datacenter/tasks",
    "/datacenter/config", "/datacenter/config?path=notes.cfg", "/account",
)  # fmt: skip
OWN = re.compile(r"[#?]|/(?!/)")


@contextlib.asynccontextmanager
async def written(folder: Path, settings: Any, texts: list[str]) -> AsyncIterator[tuple[Alone, str]]:
    """A node with a user for each text, whose names and comment it is, and with all of them in what can be long."""
    tickets.forget_all()
    async with alone(folder) as node:
        settings.QUIRE_SOCKET = str(node.daemon.options.socket)
        await node.ask(ask.GroupAdd(ROOT, "ops", comment=texts[0]))
        for number, text in enumerate(texts):
            await node.ask(ask.UserAdd(ROOT, f"user{number}@pve", comment=text, firstname=text, lastname=text))
        await node.ask(ask.TokenAdd(ROOT, "user0@pve", "ci", comment=texts[1]))
        together = "\n".join(texts)
        await node.ask(StoreWrite("datacenter.cfg", f"#{quote(together)}\n".encode()))
        await node.ask(StoreWrite("notes.cfg", together.encode()))
        yield node, node.daemon.tasks.start("aptupdate", "", ROOT, lambda context: speak(context, texts))
        await gateway.client().close()


async def speak(context: TaskContext, texts: list[str]) -> None:
    for text in texts:
        context.log(text)
    raise InvalidInput(texts[2])


async def shapes(node: Alone, upid: str) -> dict[str, Shape]:
    root = Reader(node, ROOT)
    await node.daemon.tasks.wait(upid, 30)
    found = {}
    for path in (*PAGES, f"/tasks/{quote(upid, safe='')}"):
        answer = await root.client.get(path, headers=root.headers, secure=True)
        assert answer.status_code == 200, path
        found[path.partition("UPID")[0]] = Shape(answer.content.decode())
    return found


async def test_t40_a_hundred_and_twenty_texts_add_nothing_to_a_page(tmp_path: Path, settings: Any) -> None:
    async with written(tmp_path / "alpha", settings, PLAIN) as (node, upid):
        expected = await shapes(node, upid)
    async with written(tmp_path / "again", settings, PAYLOADS) as (node, upid):
        shown = await shapes(node, upid)
    for path, shape in shown.items():
        assert shape.elements == expected[path].elements, path
        assert not {one for one in shape.addresses - expected[path].addresses if not OWN.match(one)}, path
    for path in (f"{PERMISSIONS}/users", "/datacenter/config?path=notes.cfg", "/tasks/"):
        assert all(text.strip() in shown[path].text for text in PAYLOADS), path
