"""The daemon's door: who may come in, what it takes from them, and what it never lets them do."""

from __future__ import annotations

import array
import asyncio
import ctypes
import logging
import os
import socket
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.control import conversation
from cluster.control import requests as r
from cluster.control.blocking import BlockingClient
from cluster.control.client import Client
from cluster.control.framing import FRAME_SIZE_MAX, frame
from cluster.control.server import CONNECTIONS_MAX, ControlServer
from cluster.errors import Conflict, NotFound, StoreRefusal
from tests.control.sockets import as_user, raw_client, serving, until

SOMEBODY = 65534
PR_SET_DUMPABLE, CLONE_NEWUSER = 4, 0x10000000
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")


async def version(_request: r.Version) -> dict[str, str]:
    return {"name": "Quire"}


HANDLERS: dict[Any, Any] = {r.Version: version}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder every user can enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="pytest-control-") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


# --- the socket -------------------------------------------------------------------------------------------------------


async def test_t52_the_socket_is_for_user_and_group_in_a_folder_that_is_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "state" / "control.sock"
    async with serving(path, HANDLERS):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750


async def test_a_folder_that_was_there_is_left_as_it_was_and_remarked_upon(
    open_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(open_folder / "control.sock", HANDLERS):
        assert stat.S_IMODE(open_folder.stat().st_mode) == 0o755
    assert "open to every user" in caplog.text


async def test_a_socket_nobody_answers_at_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
        killed.listen()
    async with serving(path, HANDLERS):
        assert await Client(path).call(r.Version()) == {"name": "Quire"}


async def test_a_socket_somebody_answers_at_is_left_alone(path: Path) -> None:
    async with serving(path, HANDLERS):
        with pytest.raises(Conflict, match="Another daemon answers"):
            await ControlServer(path, {}).start()
        assert await Client(path).call(r.Version()) == {"name": "Quire"}


async def test_t54_a_file_that_is_no_socket_is_left_alone(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(Conflict, match="not a socket"):
        await ControlServer(path, {}).start()
    assert path.read_text() == "precious"


async def test_stopping_removes_the_socket_and_twice_is_as_good_as_once(path: Path) -> None:
    async with serving(path, HANDLERS) as server:
        await server.stop()
        assert not path.exists()


async def test_stopping_leaves_a_socket_that_is_no_longer_its_own(path: Path) -> None:
    async with serving(path, HANDLERS):
        path.unlink()
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(path))
    assert path.exists()


# --- who may come in --------------------------------------------------------------------------------------------------


@needs_root
async def test_t52_another_user_is_turned_away_with_one_sentence(open_folder: Path) -> None:
    path = open_folder / "control.sock"
    async with serving(path, HANDLERS) as server:
        client = BlockingClient(path)
        closed = await asyncio.to_thread(as_user, SOMEBODY, lambda: client.call(r.Version()))
        path.chmod(0o666)
        refused = await asyncio.to_thread(as_user, SOMEBODY, lambda: client.call(r.Version()))
        everything = await asyncio.to_thread(as_user, SOMEBODY, lambda: everything_said(path))
        assert not server._conversations
    assert closed.startswith("Forbidden: This user may not use the control socket")
    assert refused.startswith("Forbidden: This user may not speak to the daemon")
    assert everything.count("forbidden") == 1
    assert "Quire" not in everything


@needs_root
async def test_t52_root_of_a_user_namespace_of_somebody_s_own_is_somebody(open_folder: Path) -> None:
    path = open_folder / "control.sock"
    async with serving(path, HANDLERS):
        path.chmod(0o666)

        def as_own_root() -> object:
            become_own_root(SOMEBODY)
            return os.getuid(), everything_said(path)

        told = await asyncio.to_thread(as_user, SOMEBODY, as_own_root)
    if told.startswith("PermissionError"):
        return  # this kernel lets nobody make a user namespace, so there is none to come from
    assert told.startswith("(0, ") and "forbidden" in told and "Quire" not in told


def become_own_root(uid: int) -> None:
    """In a user namespace, which anybody may make, and in which its maker is root."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # else what is below /proc/self is root's
    if libc.unshare(CLONE_NEWUSER):
        raise PermissionError(ctypes.get_errno(), "unshare")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1\n")


def everything_said(path: Path) -> bytes:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(path))
        line.settimeout(5)
        said = b""
        while part := line.recv(65536):
            said += part
    return said


@needs_root
async def test_a_user_who_was_named_is_let_in(open_folder: Path) -> None:
    path = open_folder / "control.sock"
    async with serving(path, HANDLERS, allowed_uids={SOMEBODY}):
        path.chmod(0o666)
        client = BlockingClient(path)
        assert await asyncio.to_thread(as_user, SOMEBODY, lambda: client.call(r.Version())) == "{'name': 'Quire'}"


@needs_root
async def test_the_group_that_was_named_can_open_the_socket(tmp_path: Path) -> None:
    async with serving(tmp_path / "state" / "control.sock", HANDLERS, group_id=SOMEBODY) as server:
        assert (server.path.stat().st_gid, server.path.parent.stat().st_gid) == (SOMEBODY, SOMEBODY)


# --- what a client may send -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [(1 << 30).to_bytes(4, "big") + b"x", (FRAME_SIZE_MAX + 1).to_bytes(4, "big"), frame(b"\xc1"), frame(b""),
     b"GET / HTTP/1.1\r\n\r\n"],
)  # fmt: skip
async def test_what_is_no_message_is_answered_once_and_ends_the_connection(path: Path, sent: bytes) -> None:
    async with serving(path, HANDLERS), raw_client(path) as client:
        client.writer.write(sent)
        told = await client.next()
        assert (told["id"], told["error"]["code"]) == (0, "invalid-input")
        assert await client.next() is None
        assert await Client(path).call(r.Version()) == {"name": "Quire"}


async def test_a_wrong_request_is_answered_under_its_id_and_the_connection_goes_on(path: Path) -> None:
    async with serving(path, HANDLERS), raw_client(path) as client:
        client.ask(1, "cluster.explode")
        client.ask(2, "version", color="red")
        client.ask(3, "store.verify")
        client.ask(4, "version")
        told = {each["id"]: each for each in [await client.next() for _ in range(4)]}
    assert told[1]["error"]["fields"].keys() == {"method"}
    assert told[2]["error"]["fields"].keys() == {"color"}
    assert "does not answer store.verify" in told[3]["error"]["message"]
    assert told[4]["result"] == {"name": "Quire"}


async def test_t52_half_a_frame_is_not_waited_for_without_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "FRAME_TIMEOUT_S", 0.2)
    async with serving(path, HANDLERS), raw_client(path) as client:
        client.writer.write(frame(b"x" * 1000)[:500])
        assert await client.next() is None


async def test_a_frame_that_drips_in_is_not_waited_for_either(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "FRAME_TIMEOUT_S", 0.3)
    async with serving(path, HANDLERS), raw_client(path) as client:
        hung_up = asyncio.create_task(client.next())
        for byte in frame(b"x" * 1000):
            if hung_up.done():
                break
            client.writer.write(bytes([byte]))
            await asyncio.sleep(0.05)
        assert hung_up.done()
        assert await hung_up is None


async def test_a_client_that_is_silent_between_frames_may_stay(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "FRAME_TIMEOUT_S", 0.1)
    async with serving(path, HANDLERS), raw_client(path) as client:
        client.ask(1, "version")
        assert await client.next()
        with pytest.raises(TimeoutError):
            await client.next(0.4)
        client.ask(2, "version")
        assert (await client.next())["result"]


async def test_an_id_in_use_cannot_be_used_again(path: Path) -> None:
    async def never(_request: r.Status) -> None:
        await asyncio.Event().wait()

    async with serving(path, {r.Status: never}), raw_client(path) as client:
        client.ask(1, "status")
        client.ask(1, "status")
        assert "in use" in (await client.next())["error"]["message"]
        assert await client.next() is None


async def test_t52_files_passed_along_are_not_received(path: Path) -> None:
    async with serving(path, HANDLERS):
        open_before = set(os.listdir("/proc/self/fd"))
        with socket.socket(socket.AF_UNIX) as line, socket.socket() as passed:
            line.connect(str(path))
            said = frame(b"\x82\xa2id\x01\xa7request\x81\xa6method\xa7version")
            line.sendmsg([said], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [passed.fileno()]))])
            line.settimeout(5)
            assert b"Quire" in await asyncio.to_thread(line.recv, 65536)
        await until(lambda: len(set(os.listdir("/proc/self/fd")) - open_before) == 0)


# --- how much a client may take ---------------------------------------------------------------------------------------


async def test_t52_the_connection_too_many_is_told_so_and_room_is_made_when_one_leaves(path: Path) -> None:
    async with serving(path, HANDLERS) as server:
        writers = [(await asyncio.open_unix_connection(str(path)))[1] for _ in range(CONNECTIONS_MAX)]
        await until(lambda: len(server._conversations) == CONNECTIONS_MAX)
        async with raw_client(path) as client:
            told = await client.next()
            assert (told["id"], told["error"]["code"]) == (0, "busy")
        writers.pop().transport.abort()
        await until(lambda: len(server._conversations) < CONNECTIONS_MAX)
        async with raw_client(path) as client:
            client.ask(1, "version")
            assert (await client.next())["result"] == {"name": "Quire"}
        for writer in writers:
            writer.transport.abort()


async def test_who_is_turned_away_may_still_be_writing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a broken pipe would overtake the words why."""
    monkeypatch.setattr("cluster.control.server.CONNECTIONS_MAX", 1)
    async with serving(path, HANDLERS), raw_client(path) as first:
        first.ask(1, "version")
        await first.next()
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(path))
            line.settimeout(5)
            await asyncio.to_thread(line.recv, 1, socket.MSG_PEEK)
            line.sendall(frame(b"late"))
            assert b"busy" in line.recv(65536)


async def test_the_request_too_many_is_told_so_at_once(path: Path) -> None:
    go_on = asyncio.Event()

    async def waits(_request: r.Status) -> str:
        await go_on.wait()
        return "done"

    async with serving(path, {r.Status: waits}), raw_client(path) as client:
        for number in range(1, conversation.UNDER_WAY_MAX + 2):
            client.ask(number, "status")
        told = await client.next()
        assert (told["id"], told["error"]["code"]) == (conversation.UNDER_WAY_MAX + 1, "busy")
        go_on.set()
        answered = {(await client.next())["id"] for _ in range(conversation.UNDER_WAY_MAX)}
        assert answered == set(range(1, conversation.UNDER_WAY_MAX + 1))


async def test_a_request_that_takes_too_long_is_ended(path: Path) -> None:
    ended: list[str] = []

    async def never(request: r.Request) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(type(request).__name__)

    handlers = {r.Status: never, r.StoreWrite: never}
    async with serving(path, handlers, request_timeout_s=0.1), raw_client(path) as client:
        client.ask(1, "status")
        told = (await client.next())["error"]
        assert (told["code"], told["message"]) == ("unavailable", "The daemon did not finish status within 0.1 s.")
        client.ask(2, "store.write", path="a", data=b"", request_id="r-1")
        told = (await client.next())["error"]
        assert (told["code"], told["request_id"]) == ("outcome-unknown", "r-1")
    assert ended == ["Status", "StoreWrite"]


async def test_a_time_out_inside_a_handler_is_its_own_fault(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def breaks(_request: r.Version) -> None:
        raise TimeoutError

    async with serving(path, {r.Version: breaks}), raw_client(path) as client:
        client.ask(1, "version")
        assert (await client.next())["error"]["code"] == "error"
    assert "TimeoutError" in caplog.text


async def test_a_client_that_does_not_read_is_cut_off(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "FRAME_TIMEOUT_S", 0.3)

    async def large(_request: r.Version) -> bytes:
        return bytes(1 << 20)

    async with serving(path, {r.Version: large}) as server:
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(path))
            line.sendall(frame(b"\x82\xa2id\x01\xa7request\x81\xa6method\xa7version"))
            await until(lambda: len(server._conversations) == 1)
            await until(lambda: not server._conversations)


# --- what a client is told --------------------------------------------------------------------------------------------


async def test_errors_arrive_with_their_facts(path: Path) -> None:
    async def refuses(request: r.StoreRead) -> None:
        raise StoreRefusal(13, "read-only") if request.path == "a" else NotFound("nothing there", fields={"path": "?"})

    async with serving(path, {r.StoreRead: refuses}), raw_client(path) as client:
        client.ask(1, "store.read", path="a")
        told = (await client.next())["error"]
        assert (told["code"], told["errno"], told["http_status"]) == ("store-refusal", 13, 500)
        client.ask(2, "store.read", path="b")
        told = (await client.next())["error"]
        assert (told["code"], told["fields"]) == ("not-found", {"path": "?"})


async def test_a_fault_of_the_daemon_is_a_number_to_the_client_and_a_trace_in_the_log(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def breaks(_request: r.Login) -> None:
        raise ZeroDivisionError("the innermost thought")

    async with serving(path, {r.Login: breaks}), raw_client(path) as client:
        client.ask(1, "access.login", username="root@pam", password="battery staple")
        told = (await client.next())["error"]
        assert told["code"] == "error"
        assert "innermost" not in str(told)
        number = told["message"].split()[-1].rstrip(".")
    assert number in caplog.text
    assert "ZeroDivisionError: the innermost thought" in caplog.text
    assert "battery staple" not in caplog.text


@pytest.mark.parametrize("result", [object(), bytes(FRAME_SIZE_MAX)])
async def test_a_result_that_cannot_be_sent_is_a_fault_and_not_silence(path: Path, result: object) -> None:
    async def odd(_request: r.Version) -> object:
        return result

    async with serving(path, {r.Version: odd}), raw_client(path) as client:
        client.ask(1, "version")
        assert "error" in await client.next()


async def test_a_cancelled_request_ends_and_nothing_more_is_said_of_it(path: Path) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def never(_request: r.Status) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with serving(path, {**HANDLERS, r.Status: never}), raw_client(path) as client:
        client.ask(1, "status")
        await asyncio.wait_for(begun.wait(), 5)
        client.send({"id": 1, "cancel": True})
        client.send({"id": 99, "cancel": True})
        await asyncio.wait_for(ended.wait(), 5)
        client.ask(2, "version")
        assert (await client.next())["id"] == 2


async def test_what_a_client_asked_ends_when_it_leaves(path: Path) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def never(_request: r.Status) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with serving(path, {r.Status: never}):
        async with raw_client(path) as client:
            client.ask(1, "status")
            await asyncio.wait_for(begun.wait(), 5)
        await asyncio.wait_for(ended.wait(), 5)


# --- stopping ---------------------------------------------------------------------------------------------------------


async def test_an_answer_under_way_is_still_given_when_the_daemon_stops(path: Path) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_request: r.Status) -> str:
        begun.set()
        await go_on.wait()
        return "done"

    async with serving(path, {r.Status: slow}) as server, raw_client(path) as client:
        client.ask(1, "status")
        await asyncio.wait_for(begun.wait(), 5)
        stopping = asyncio.create_task(server.stop())
        await until(lambda: not path.exists())
        client.ask(2, "status")
        assert "is stopping" in (await client.next())["error"]["message"]
        go_on.set()
        assert (await client.next())["result"] == "done"
        await stopping
        assert await client.next() is None


async def test_stopping_does_not_wait_for_a_client_that_left(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "STOP_S", 60)
    begun = asyncio.Event()

    async def never(_request: r.Status) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with serving(path, {r.Status: never}) as server, raw_client(path) as client:
        client.ask(1, "status")
        await asyncio.wait_for(begun.wait(), 5)
        stopping = asyncio.create_task(server.stop())
        await until(lambda: not path.exists())
        client.writer.transport.abort()
        await asyncio.wait_for(stopping, 10)


async def test_what_never_ends_is_ended_when_the_daemon_stops(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "STOP_S", 0.1)
    begun = asyncio.Event()

    async def never(_request: r.Status) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def endless(_request: r.Subscribe) -> AsyncIterator[int]:
        yield 1
        await asyncio.Event().wait()

    async with serving(path, {r.Status: never}, {r.Subscribe: endless}) as server, raw_client(path) as client:
        client.ask(1, "status")
        client.ask(2, "subscribe")
        await asyncio.wait_for(begun.wait(), 5)
        assert (await client.next())["item"] == 1
        await server.stop()
        assert await client.next() is None


async def test_the_log_is_silent_about_clients_that_come_and_go(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "cluster"):
        async with serving(path, HANDLERS), raw_client(path) as client:
            client.ask(1, "version")
            await client.next()
    assert [record.getMessage() for record in caplog.records if record.name.startswith("cluster")] == []
