"""The store through the API, asked of a real node's store: files, their past, and what became of a request."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cluster.core.log import chained
from cluster.core.messages import Point
from cluster.core.operations import Command, Write, digest_of, encode_body
from cluster.node import handlers
from cluster.store.base import Conflict
from datacenter import gateway
from datacenter.access import tickets
from tests.api.conftest import Api, body, data
from tests.api.fake_node import FakeNode
from tests.cast import ALICE
from tests.node.alone import Alone, alone

FILE = "/quire/store/file"


@pytest.fixture
async def store(tmp_path: Path, settings: Any) -> AsyncIterator[Alone]:
    settings.ROOT_URLCONF = "tests.api.urls"
    settings.QUIRE_SOCKET = str(tmp_path / "site.sock")
    tickets.forget_all()
    async with alone(tmp_path / "alpha") as real:
        table = handlers.table(real.daemon)
        fake = FakeNode(
            tmp_path / "site.sock", {kind: each for kind, each in table.items() if "Store" in kind.__name__}
        )
        await fake.start()
        yield real
        await gateway.client().close()
        await fake.stop()


@pytest.fixture
def root(store: Alone) -> Api:
    return Api().sign_in()


async def test_a_file_is_written_read_compared_and_brought_back(root: Api) -> None:
    first = data(await root.call("PUT", FILE, path="a.txt", content="one\n"))
    second = data(await root.call("PUT", FILE, path="a.txt", content="two\n", digest=digest_of(b"one\n")))
    now = data(await root.get(FILE, path="a.txt"))
    assert (now["content"], now["encoding"], now["digest"]) == ("two\n", "text", digest_of(b"two\n"))
    assert data(await root.get(FILE, path="a.txt", revision=first["revision"]))["content"] == "one\n"
    difference = data(await root.get("/quire/store/diff", path="a.txt", newer=second["revision"]))
    assert difference["lines"][-2:] == ["-one", "+two"] and difference["binary"] == 0
    told = data(await root.get("/quire/store/changes", path="a.txt"))
    assert [one["revision"] for one in told] == [second["revision"], first["revision"]]
    assert (told[0]["user"], told[0]["door"], told[0]["held"]) == ("root@pam", "api", 1)
    assert [entry["name"] for entry in data(await root.get("/quire/store/list"))].count("a.txt") == 1

    back = data(await root.post("/quire/store/restore", path="a.txt", revision=first["revision"]))
    assert back["paths"] == ["a.txt"] and data(await root.get(FILE, path="a.txt"))["content"] == "one\n"
    again = data(await root.post("/quire/store/restore", path="a.txt", revision=first["revision"]))
    assert again == {"revision": None, "paths": []}


async def test_the_whole_tree_is_brought_back_to_a_revision(root: Api) -> None:
    before = data(await root.call("PUT", FILE, path="a.txt", content="one\n"))["revision"]
    await root.call("PUT", FILE, path="a.txt", content="two\n")
    await root.call("PUT", FILE, path="b.txt", content="new\n")
    assert data(await root.post("/quire/store/restore", revision=before))["paths"] == ["a.txt", "b.txt"]
    assert data(await root.get(FILE, path="a.txt"))["content"] == "one\n"
    assert (await root.get(FILE, path="b.txt")).status_code == 404


async def test_a_file_changed_by_others_meanwhile_is_left_alone(root: Api) -> None:
    await root.call("PUT", FILE, path="a.txt", content="theirs\n")
    answer = await root.call("PUT", FILE, path="a.txt", content="mine\n", digest=digest_of(b"before\n"))
    assert answer.status_code == 409 and "changed by someone else" in body(answer)["message"]
    assert body(answer)["errors"] == {"digest": "is another by now"}
    assert data(await root.get(FILE, path="a.txt"))["content"] == "theirs\n"


async def test_what_is_no_text_travels_as_base64(root: Api) -> None:
    content = base64.b64encode(bytes(range(256))).decode()
    data(await root.call("PUT", FILE, path="a.bin", content=content, encoding="base64"))
    assert data(await root.get(FILE, path="a.bin"))["content"] == content
    wrong = await root.call("PUT", FILE, path="a.bin", content="no base64!", encoding="base64")
    assert wrong.status_code == 400 and "content" in body(wrong)["errors"]


async def test_a_wrong_file_is_refused_with_the_line(root: Api) -> None:
    answer = await root.call("PUT", FILE, path="datacenter.cfg", content="no key and value\n")
    assert answer.status_code == 400 and body(answer)["errors"]


async def test_what_became_of_a_request_is_told_under_its_id(root: Api) -> None:
    asked = {"path": "a.txt", "content": "one\n", "request-id": "order-66-of-alice"}
    done = data(await root.call("PUT", FILE, **asked))
    assert data(await root.call("PUT", FILE, **asked)) == done
    told = data(await root.get("/quire/store/requests/order-66-of-alice"))
    assert (told["outcome"], told["revision"]) == ("ok", done["revision"])
    assert data(await root.get("/quire/store/requests/never-asked-for"))["outcome"] == "unknown"


async def test_what_the_cluster_did_not_keep_is_listed_shown_and_made_again(
    root: Api, store: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = Command("dropped-at-merge", 7, 1_000, "uid 33", "mount", (Write("a.txt", b"lost\n"),))
    entry = chained(Point(3, 11), 4, encode_body(command))
    monkeypatch.setattr(store.daemon.life.disk, "conflicts", lambda limit: (Conflict(1_700_000_009, entry),))
    listed = data(await root.get("/quire/store/conflicts"))
    assert [(one["revision"], one["user"], one["operations"]) for one in listed] == [
        ("4.12", "uid 33", [{"what": "write", "path": "a.txt", "size": 5}])
    ]
    address = f"/quire/store/conflicts/{listed[0]['id']}"
    assert data(await root.get(address))["operations"][0]["content"] == "lost\n"
    assert data(await root.post(address))["paths"] == ["a.txt"]
    assert data(await root.get(FILE, path="a.txt"))["content"] == "lost\n"


async def test_others_look_and_do_not_touch(root: Api) -> None:
    alice = Api().sign_in(ALICE)
    for method, path, asked in (
        ("PUT", FILE, {"path": "a.txt", "content": ""}),
        ("POST", "/quire/store/restore", {"revision": "1"}),
        ("GET", "/quire/store/conflicts", {}),
    ):
        assert (await alice.call(method, path, **asked)).status_code == 403


async def test_the_ways_below_are_listed(root: Api) -> None:
    assert data(await root.get("/quire")).count({"name": "store"}) == 1
    assert {"name": "conflicts"} in data(await root.get("/quire/store"))
