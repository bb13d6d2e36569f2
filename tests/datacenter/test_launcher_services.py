"""A node in its two shapes, with the real daemon: one process with --web, or daemon and pages as two services."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from argon2 import PasswordHasher

from datacenter.web.forward import GROUP
from tests import redis_server
from tests.datacenter.served import ADDRESS, ROOT, Served, eventually
from tests.datacenter.websocket_line import TEXT, WebSocketLine
from tests.places import own_port

pytestmark = pytest.mark.slow

PORT, REDIS_PORT = own_port(), own_port()
PASSWORD = "correct horse"
AS_NOBODY = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
REDIS_URL = f"redis://127.0.0.1:{REDIS_PORT}/0"


@contextmanager
def running(command: list[str], log: Path, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """A command that must end by itself, with 0, when it is asked to."""
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=output, stderr=output, text=True, env=os.environ | variables
        )
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()


def manage(name: str, *options: str) -> list[str]:
    return [sys.executable, "manage.py", name, *options]


def node_options(state: Path) -> list[str]:
    return [
        "--name", "alpha", "--engine", "loopback", "--state", str(state / "alpha"), "--wire", str(state / "wire"),
        "--address", ADDRESS, "--port", str(PORT), "--password-hash-file", str(state / "hash"),
    ]  # fmt: skip


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "hash").write_text(PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD))
    return tmp_path


def answers(node: Served) -> bool:
    try:
        return node.request("GET", "/api2/json/access/ticket")[0].status == 200
    except OSError:
        return False


def sign_in(node: Served) -> dict[str, str]:
    """As a browser at the sign-in page; the token is one of the API, which a page would bring along."""
    form = f"username={quote('root@pam')}&password={quote(PASSWORD)}".encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    _, body = node.request("POST", "/api2/json/access/ticket", form, kind)
    entered, _ = node.request("POST", "/session/sign-in", form, kind)
    cookie = (entered.getheader("Set-Cookie") or "").partition(";")[0]
    return {"Cookie": cookie, "CSRFPreventionToken": json.loads(body)["data"]["CSRFPreventionToken"]}


def first_light(node: Served) -> None:
    """Sign in, create a cluster, and see it on API and page; what the page is told live goes through its socket."""
    eventually(lambda: answers(node), 40)
    headers = sign_in(node)
    _, page = node.request("GET", "/", headers=headers)
    assert b"Cluster" in page
    upid = json.loads(node.request("POST", "/api2/json/cluster/config", b"clustername=demo", headers)[1])["data"]

    def outcome() -> Any:
        _, body = node.request("GET", f"/api2/json/nodes/alpha/tasks/{quote(upid, safe='')}/status", headers=headers)
        return json.loads(body)["data"].get("exitstatus")

    eventually(lambda: outcome() is not None, 30)
    assert outcome() == "OK"
    _, body = node.request("GET", "/api2/json/cluster/status", headers=headers)
    assert json.loads(body)["data"][0]["name"] == "demo"


def hears_figures(node: Served) -> None:
    """An open page hears of the node's samples, which come every two seconds, for as long as it is open."""
    with node.line() as line:
        socket = WebSocketLine(line, "/live", sign_in(node)["Cookie"])
        assert socket.status == 101
        heard, deadline = 0, time.monotonic() + 20
        while heard < 4 and time.monotonic() < deadline:
            kind, content = socket.receive()
            assert kind == TEXT, content
            heard += b"hx-swap-oob" in content
            socket.send(b'{"seen": 1}')
        assert heard == 4


def test_one_process_is_a_whole_node(state: Path) -> None:
    with running(manage("runnode", "--web", *node_options(state)), state / "log") as process:
        node = Served(process, state, PORT)
        first_light(node)
        hears_figures(node)
    assert PASSWORD not in (state / "log").read_text()


def test_daemon_and_pages_can_be_two_services_with_only_the_socket_between_them(state: Path) -> None:
    socket = state / "alpha" / "control.sock"
    with running(
        manage("runweb"), state / "web-log", QUIRE_SOCKET=str(socket), QUIRE_ADDRESS=ADDRESS, QUIRE_PORT=str(PORT)
    ) as web:
        node = Served(web, state, PORT)
        with running(manage("runnode", *node_options(state)), state / "log"):
            first_light(node)
            hears_figures(node)
            headers = sign_in(node)
        assert node.request("GET", "/api2/json/version", headers=headers)[0].status == 503
        with running(manage("runnode", *node_options(state)), state / "log2"):
            eventually(lambda: node.request("GET", "/api2/json/version", headers=headers)[0].status == 200)
            hears_figures(node)


@contextmanager
def running_as_nobody(command: list[str], log: Path, folder: Path, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """The command as the user `nobody`, from a place that user can reach wherever this checkout lies."""
    reachable = folder / "checkout"
    reachable.mkdir()
    enter = f"mount --bind {ROOT} {reachable} && cd {reachable} && exec setpriv --reuid=nobody --regid=nogroup "
    shell = [
        "unshare",
        "-m",
        "--propagation",
        "private",
        "sh",
        "-c",
        enter + '--clear-groups --no-new-privs "$@"',
        "sh",
    ]
    with running([*shell, *command], log, **variables) as process:
        yield process


@pytest.fixture
def reachable_state() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="quire-t") as folder:
        os.chmod(folder, 0o711)
        (Path(folder) / "hash").write_text(PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD))
        yield Path(folder)


def test_the_pages_need_no_root_and_their_user_reads_nothing_but_its_certificate(reachable_state: Path) -> None:
    state, socket = reachable_state, reachable_state / "alpha" / "control.sock"
    web = {"QUIRE_SOCKET": str(socket), "QUIRE_ADDRESS": ADDRESS, "QUIRE_PORT": str(PORT)}
    with (
        running(manage("runnode", *node_options(state), "--web-user", "nobody"), state / "log"),
        running_as_nobody(manage("runweb"), state / "web-log", state, **web) as process,
    ):
        first_light(Served(process, state, PORT))
        assert os.stat(f"/proc/{process.pid}").st_uid == pwd.getpwnam("nobody").pw_uid
        # corosync.conf lies open on every host; its key does not.
        public = {"corosync", "corosync/corosync.conf", "corosync/ringid"}
        assert set(readable_to_nobody(state / "alpha")) - public == {"tls", "tls/cert.pem", "tls/key.pem"}


def readable_to_nobody(folder: Path) -> list[str]:
    """Files whose content and folders whose names that user can read, of all there are below `folder`."""
    everything = [path for path in folder.rglob("*") if path.is_file() or path.is_dir()]
    assert len(everything) > 5
    look = "import os, sys; print('\\n'.join(path for path in sys.argv[1:] if os.access(path, os.R_OK)))"
    command = [*AS_NOBODY, "/usr/bin/env", "python3", "-c", look]
    listed = subprocess.run([*command, *map(str, everything)], capture_output=True, text=True, check=True, timeout=20)
    return sorted(str(Path(line).relative_to(folder)) for line in listed.stdout.split("\n") if line)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[None]:
    process = redis_server.start(tmp_path, port=REDIS_PORT)
    yield
    process.kill()
    process.wait()


@pytest.mark.redis
async def test_daemon_and_pages_can_be_two_services_with_redis_between_them(state: Path, redis: None) -> None:
    from channels_redis.pubsub import RedisPubSubChannelLayer

    socket = state / "alpha" / "control.sock"
    variables = {"QUIRE_REDIS_URL": REDIS_URL, "QUIRE_SOCKET": str(socket)}
    web_options = ["--address", ADDRESS, "--port", str(PORT)]
    with (
        running(manage("runnode", *node_options(state)), state / "log", **variables),
        running(manage("runweb", *web_options), state / "web-log", **variables) as web,
    ):
        node = Served(web, state, PORT)
        await asyncio.to_thread(first_light, node)
        await asyncio.to_thread(hears_figures, node)
        layer = RedisPubSubChannelLayer(hosts=[REDIS_URL], prefix="quire")
        channel = await layer.new_channel()
        await layer.group_add(GROUP, channel)
        message = await asyncio.wait_for(layer.receive(channel), 20)
        assert message["type"] == "live.change" and message["source"]
        assert set(message["change"]) == {"number", "topic", "value", "at_s"}
        await layer.flush()


def test_what_is_wrong_is_said_in_one_sentence(state: Path) -> None:
    for options, sentence in (
        (["--engine", "udp"], "--engine: 'udp' is not one of corosync, loopback, simulated."),
        (["--port", "0"], "--port: '0' is no port"),
        (["--password-hash-file", str(state / "nothing")], "nothing"),
    ):
        ended = subprocess.run(
            manage("runnode", *node_options(state), *options), cwd=ROOT, capture_output=True, text=True, timeout=30
        )
        assert ended.returncode == 1
        assert sentence in ended.stderr and "Traceback" not in ended.stderr


def test_systemd_hears_that_the_node_is_ready_and_that_it_stops(state: Path) -> None:
    import socket as sockets

    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_DGRAM) as listener:
        listener.bind(str(state / "notify"))
        listener.settimeout(40)
        variables = {"NOTIFY_SOCKET": str(state / "notify")}
        with running(manage("runnode", "--web", *node_options(state)), state / "log", **variables) as process:
            assert listener.recv(200) == f"READY=1\nSTATUS=serving {ADDRESS} port {PORT}".encode()
            assert answers(Served(process, state, PORT))
        assert listener.recv(200) == b"STOPPING=1"
