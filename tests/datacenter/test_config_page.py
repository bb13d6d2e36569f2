"""Datacenter → Config over a real daemon: who sees what, the check and the difference before saving, and conflicts."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from django.test import AsyncClient

from cluster.control.access_requests import AclChange, UserAdd
from cluster.control.requests import StoreHistory, StoreRead
from cluster.core.log import chained
from cluster.core.messages import Point
from cluster.core.operations import Command, Mkdir, Remove, Write, digest_of, encode_body
from cluster.errors import NotFound
from cluster.node.handlers.conflicts import id_of
from cluster.store.base import Conflict
from datacenter import gateway
from datacenter.access import tickets
from tests.datacenter.reader import Reader, text
from tests.node.alone import Alone, alone

PLACE = "/datacenter/config"


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"there is no field {name}"
    return found[1]


@pytest.fixture
async def node(tmp_path: Path, settings: Any) -> AsyncIterator[Alone]:
    tickets.forget_all()
    async with alone(tmp_path / "alpha") as started:
        settings.QUIRE_SOCKET = str(started.daemon.options.socket)
        for user in ("mallory@pve", "charlie@pve"):
            await started.ask(UserAdd("root@pam", user))
        await started.ask(AclChange("root@pam", "/", ["PVEAuditor"], users=["mallory@pve"]))
        yield started
        await gateway.client().close()


@pytest.fixture
def root(node: Alone) -> Reader:
    return Reader(node, "root@pam")


@pytest.fixture
def mallory(node: Alone) -> Reader:
    return Reader(node, "mallory@pve")


async def now(node: Alone, path: str) -> bytes:
    data: bytes = (await node.ask(StoreRead(path)))["data"]
    return data


# --- looking ----------------------------------------------------------------------------------------------------------


async def test_folders_and_files_are_browsed(node: Alone, root: Reader) -> None:
    await node.change(Mkdir("ha"), Write("ha/rules <1>.cfg", b"<b>& text\n"))
    page = text(await root.get(PLACE))
    assert "All files" in page and "priv" in page and 'datacenter/config?path=ha"' in page
    folder = await root.get(PLACE, path="ha")
    assert "path=ha%2Frules%20%3C1%3E.cfg" in folder.content.decode()
    file = await root.get(PLACE, path="ha/rules <1>.cfg")
    assert "&lt;b&gt;&amp; text" in file.content.decode()
    assert (await root.get(PLACE, path="nothing")).status_code == 404


@pytest.mark.parametrize(
    ("data", "said"), [(b"\xff\xfe", "not text"), (b"a\0b", "not text"), (b"", "is empty"), (b"a\r\nb\r\n", "Edit")]
)
async def test_what_cannot_be_edited_is_shown_and_not_offered(
    node: Alone, root: Reader, data: bytes, said: str
) -> None:
    await node.change(Write("odd", data))
    page = text(await root.get(PLACE, path="odd"))
    assert said in page
    editable = (await root.get(f"{PLACE}/edit", path="odd")).status_code == 200
    assert editable == (data == b"") and ("disabled title=" in page) == (not editable)


async def test_a_removed_file_still_has_its_history_and_comes_back(node: Alone, root: Reader) -> None:
    revision = await node.write("a.cfg", "one\n")
    await node.change(Remove("a.cfg"))
    page = text(await root.get(PLACE, path="a.cfg"))
    assert "not there any more" in page and revision in page
    answer = await root.post(f"{PLACE}/restore", path="a.cfg", revision=revision, digest="")
    assert answer.status_code == 200 and "one\n" in text(answer)


async def test_private_files_are_for_root(node: Alone, root: Reader, mallory: Reader) -> None:
    assert "PRIVATE KEY" in text(await root.get(PLACE, path="priv/authkey.key"))
    for path in ("priv", "priv/authkey.key", "pve-www.key"):
        for place in ("", "/shown", "/edit"):
            refused = await mallory.get(PLACE + place, path=path)
            assert refused.status_code == 403 and "PRIVATE KEY" not in text(refused)
    assert (await mallory.get(f"{PLACE}/change", path="priv/authkey.key", revision="1.1")).status_code == 403
    page = text(await mallory.get(PLACE))
    assert "authkey.pub" in page and "path=priv" not in page and "New file" not in page and "Restore" not in page


async def test_whoever_may_not_look_at_the_cluster_reads_no_file_of_it(node: Alone) -> None:
    charlie, revision = Reader(node, "charlie@pve"), await node.write("a.cfg", "one\n")
    for place, more in (("", {}), ("/shown", {}), ("/edit", {}), ("/change", {"revision": revision})):
        refused = await charlie.get(PLACE + place, path="a.cfg", **more)
        assert refused.status_code == 403 and "one" not in text(refused).split()
    assert "/datacenter/config" not in text(await charlie.get("/datacenter/tasks"))


async def test_others_change_nothing(node: Alone, mallory: Reader) -> None:
    revision = await node.write("a.cfg", "one\n")
    sent = {"path": "a.cfg", "text": "two\n", "digest": digest_of(b"one\n"), "reviewed": digest_of(b"two\n")}
    assert "Only root@pam" in text(await mallory.post(f"{PLACE}/save", **sent))
    assert (await mallory.post(f"{PLACE}/restore", path="a.cfg", revision=revision)).status_code == 403
    assert await now(node, "a.cfg") == b"one\n"


async def test_a_stranger_is_asked_to_sign_in(node: Alone) -> None:
    asked = {"path": "pve-www.key"}
    page = await AsyncClient().get(PLACE, asked, headers={"Sec-Fetch-Site": "same-origin"}, secure=True)
    assert "Sign in" in text(page) and "All files" not in text(page)


async def test_the_page_is_fetched_anew_only_when_something_differs(node: Alone, root: Reader) -> None:
    await node.write("a.cfg", "one\n")
    mark = field(text(await root.get(PLACE, path="a.cfg")), "mark")
    assert (await root.get(f"{PLACE}/shown", path="a.cfg", mark=mark)).status_code == 204
    await node.write("b.cfg", "elsewhere, but in this folder\n")
    assert (await root.get(f"{PLACE}/shown", path="a.cfg", mark=mark)).status_code == 200
    await node.write("a.cfg", "two\n")
    assert "two\n" in text(await root.get(f"{PLACE}/shown", path="a.cfg", mark=mark))


# --- editing ----------------------------------------------------------------------------------------------------------


async def test_an_edit_is_checked_compared_and_saved(node: Alone, root: Reader) -> None:
    await node.write("datacenter.cfg", "keyboard: de\n")
    dialog = text(await root.get(f"{PLACE}/edit", path="datacenter.cfg"))
    sent = {"path": "datacenter.cfg", "digest": field(dialog, "digest"), "text": "keyboard: fr\r\n"}
    review = text(await root.post(f"{PLACE}/review", **sent))
    assert "keyboard: de" in review and "keyboard: fr" in review and "nothing wrong" in review
    saved = await root.post(f"{PLACE}/save", **sent, reviewed=field(review, "reviewed"))
    assert saved["HX-Retarget"] == "#config-shown" and "keyboard: fr" in text(saved)
    assert await now(node, "datacenter.cfg") == b"keyboard: fr\n"
    newest = (await node.ask(StoreHistory("datacenter.cfg")))["changes"][0]
    assert (newest["user"], newest["door"]) == ("root@pam", "page")


async def test_saving_and_restoring_sent_twice_are_done_once(node: Alone, root: Reader) -> None:
    await node.write("a.cfg", "one\n")
    dialog = text(await root.get(f"{PLACE}/edit", path="a.cfg"))
    sent = {"path": "a.cfg", "digest": field(dialog, "digest"), "text": "two\n"}
    review = text(await root.post(f"{PLACE}/review", **sent))
    sent |= {"reviewed": field(review, "reviewed"), "request-id": field(review, "request-id")}
    for _ in range(2):
        assert "HX-Retarget" in (await root.post(f"{PLACE}/save", **sent)).headers
    shown = text(await root.get(f"{PLACE}/shown", path="a.cfg"))
    back = {"path": "a.cfg", "digest": field(shown, "digest"), "revision": field(shown, "revision")}
    back["request-id"] = field(shown, "request-id")
    assert back["request-id"].endswith("-" + back["revision"])
    for _ in range(2):
        assert (await root.post(f"{PLACE}/restore", **back)).status_code == 200
    assert await now(node, "a.cfg") == b"one\n"
    assert len((await node.ask(StoreHistory("a.cfg")))["changes"]) == 3


async def test_what_does_not_follow_its_grammar_is_not_saved(node: Alone, root: Reader) -> None:
    sent = {"path": "datacenter.cfg", "digest": "", "text": "keyboard\n"}
    review = text(await root.post(f"{PLACE}/review", **sent))
    assert "Line 1:" in review and 'name="reviewed"' not in review
    forced = text(await root.post(f"{PLACE}/save", **sent, reviewed=digest_of(b"keyboard\n")))
    assert "What you typed is still here" in forced
    assert (await root.get(PLACE, path="datacenter.cfg")).status_code == 404


async def test_what_was_not_reviewed_is_reviewed_first(node: Alone, root: Reader) -> None:
    sent = {"path": "a.cfg", "digest": "", "text": "two\n", "reviewed": digest_of(b"one\n")}
    assert "This is what changes" in text(await root.post(f"{PLACE}/save", **sent))
    assert (await root.get(PLACE, path="a.cfg")).status_code == 404


async def test_a_conflict_shows_both_and_saving_again_is_a_choice(node: Alone, root: Reader) -> None:
    await node.write("a.cfg", "one\n")
    mine = {"path": "a.cfg", "digest": digest_of(b"one\n"), "text": "mine\n", "reviewed": digest_of(b"mine\n")}
    await node.change(Write("a.cfg", b"theirs\n"), user="uid 33")
    conflict = text(await root.post(f"{PLACE}/save", **mine))
    assert "changed meanwhile by uid 33 on alpha" in conflict
    assert "theirs" in conflict and "mine" in conflict and await now(node, "a.cfg") == b"theirs\n"
    over = field(conflict, "over")
    await node.write("a.cfg", "again\n")
    assert "again" in text(await root.post(f"{PLACE}/save", **mine, over=over))
    chosen = await root.post(f"{PLACE}/save", **mine, over=digest_of(b"again\n"))
    assert "HX-Retarget" in chosen.headers and await now(node, "a.cfg") == b"mine\n"


async def test_a_file_removed_meanwhile_is_a_conflict_too(node: Alone, root: Reader) -> None:
    await node.write("a.cfg", "one\n")
    mine = {"path": "a.cfg", "digest": digest_of(b"one\n"), "text": "mine\n", "reviewed": digest_of(b"mine\n")}
    await node.change(Remove("a.cfg"))
    conflict = text(await root.post(f"{PLACE}/save", **mine))
    assert "was removed meanwhile" in conflict and field(conflict, "over") == ""
    await root.post(f"{PLACE}/save", **mine, over="")
    assert await now(node, "a.cfg") == b"mine\n"


async def test_restoring_what_somebody_changed_meanwhile_is_refused(node: Alone, root: Reader) -> None:
    revision = await node.write("a.cfg", "one\n")
    await node.write("a.cfg", "two\n")
    refused = await root.post(f"{PLACE}/restore", path="a.cfg", revision=revision, digest=digest_of(b"one\n"))
    assert refused.status_code == 500 and "changed by someone else" in text(refused)
    assert await now(node, "a.cfg") == b"two\n"


async def test_one_change_is_compared_in_a_dialog(node: Alone, root: Reader) -> None:
    await node.write("a.cfg", "one\n")
    revision = await node.write("a.cfg", "two\n")
    dialog = text(await root.get(f"{PLACE}/change", path="a.cfg", revision=revision))
    assert "diff-removed" in dialog and "one" in dialog and "two" in dialog
    assert (await root.get(f"{PLACE}/change", path="a.cfg", revision="nonsense")).status_code == 404


# --- what the cluster did not keep ------------------------------------------------------------------------------------


def drop(node: Alone, monkeypatch: pytest.MonkeyPatch) -> str:
    """A change that this node had when another history was chosen; returns its id."""
    command = Command("dropped-at-merge", 7, 1_000, "uid 33", "mount", (Write("lost.cfg", b"<not> kept\n"),))
    entry = chained(Point(3, 11), 4, encode_body(command))
    monkeypatch.setattr(node.daemon.life.disk, "conflicts", lambda limit: (Conflict(1_700_000_009, entry),))
    return id_of(entry)


async def test_what_the_cluster_did_not_keep_stands_beside_it_and_is_made_again(
    node: Alone, root: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Not kept by the cluster" not in text(await root.get(PLACE))
    name = drop(node, monkeypatch)
    page = text(await root.get(PLACE))
    assert "Not kept by the cluster" in page and "write lost.cfg" in page and "uid 33" in page
    shown = await root.get(f"{PLACE}/conflicts/{name}")
    assert "&lt;not&gt; kept" in shown.content.decode()
    made = text(await root.post(f"{PLACE}/conflicts/{name}/again", request_id=f"again-{name}"))
    assert "The change was made again, in revision" in made
    assert await now(node, "lost.cfg") == b"<not> kept\n"


async def test_what_was_not_kept_is_for_root_alone(
    node: Alone, mallory: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = drop(node, monkeypatch)
    assert "Not kept by the cluster" not in text(await mallory.get(PLACE))
    assert (await mallory.get(f"{PLACE}/conflicts/{name}")).status_code == 403
    assert (await mallory.post(f"{PLACE}/conflicts/{name}/again")).status_code in (403, 404)
    with pytest.raises(NotFound):
        await now(node, "lost.cfg")
