"""The loopback engine: the contract over a real wire, and what is its own: wires, keys, reloads, memory, rings."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from cluster.core.membership import Membership
from cluster.corosync import conf
from cluster.engine import wire
from cluster.engine import wire_frames as frames
from cluster.engine.base import MESSAGE_SIZE_MAX, Engine, EngineLost, GroupChanged, QuorumChanged
from cluster.engine.loopback import LoopbackEngine
from cluster.errors import Busy, QuireError, Unavailable
from cluster.model import Link, Node
from tests.engine import contract
from tests.engine.contract import Pair, Recorder, World, numbered

ROOT = Path(__file__).resolve().parents[2]
AUTHKEY = bytes(range(256))


def cluster_of(n: int, votes: int = 1) -> conf.Document:
    document = conf.new("demo", Node("node1", 1, votes, (Link(0, "127.0.0.11"),)))
    for node_id in range(2, n + 1):
        document = conf.add_node(
            document, Node(f"node{node_id}", node_id, votes, (Link(0, f"127.0.0.{node_id + 10}"),))
        )
    return document


class Machine(World):
    """Nodes of one machine: each with its folder, all with one wire."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "wire"
        self.pairs: list[Pair] = []
        self.killed: list[subprocess.Popen[bytes]] = []

    def configure(self, node_id: int, document: conf.Document, authkey: bytes = AUTHKEY) -> Path:
        folder = self.folder / f"node{node_id}"
        folder.mkdir(exist_ok=True)
        new = folder / "corosync.conf.new"
        new.write_text(conf.render(document))
        new.replace(folder / "corosync.conf")
        (folder / "authkey").write_bytes(authkey)
        return folder

    def engine(self, node_id: int) -> LoopbackEngine:
        folder = self.folder / f"node{node_id}"
        return LoopbackEngine(folder / "corosync.conf", folder / "authkey", node_id, self.path)

    async def start(self, node_id: int) -> Pair:
        pair = (self.engine(node_id), Recorder())
        self.pairs.append(pair)
        await pair[0].start(pair[1])
        return pair

    async def engines(self, n: int) -> list[Pair]:
        document = cluster_of(n)
        for node_id in range(1, n + 1):
            self.configure(node_id, document)
        pairs = await asyncio.gather(*(self.start(node_id) for node_id in range(1, n + 1)))
        self.pairs = list(pairs)
        everyone = tuple(range(1, n + 1))
        await self.until(lambda: all((q := r.quorum()) is not None and q.nodes == everyone for _, r in pairs))
        return self.pairs

    async def split(self, sides: list[list[int]]) -> None:
        wire.control(self.path, frames.Split([[i + 1 for i in side] for side in sides]))

    async def heal(self) -> None:
        wire.control(self.path, frames.Heal())

    async def kill(self, i: int) -> None:
        """What the kernel does for a killed process: its socket is closed, with whatever was still to be written."""
        engine, recorder = self.pairs[i]
        assert isinstance(engine, LoopbackEngine) and engine._line is not None
        engine._on_event = None
        engine._line._writer.transport.abort()

    async def lose(self, i: int) -> None:
        wire.control(self.path, frames.Drop(i + 1))

    async def flood(self, i: int, group: str, payloads) -> int:
        return contract.flood(self.pairs[i][0], group, payloads)

    def wire_pid(self) -> int:
        """Whoever listens at the path, says the kernel."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(os.fspath(self.path))
            return int.from_bytes(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[:4], "little")

    async def close(self) -> None:
        for engine, _ in self.pairs:
            await engine.stop()
        for process in self.killed:
            process.kill()
            process.wait()
        wire.end(self.path)


@pytest.fixture
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Machine]:
    machine = Machine(tmp_path_factory.mktemp("m"))
    yield machine
    await machine.close()


class TestLoopback(contract.EngineContract):
    pass


# --- its own ----------------------------------------------------------------------------------------------------------


def node_process(machine: Machine, node_id: int) -> subprocess.Popen[bytes]:
    """A node as a process of its own, in the group `config`."""
    program = (
        "import asyncio, sys; from pathlib import Path; from cluster.engine.loopback import LoopbackEngine\n"
        "async def main():\n"
        "    folder = Path(sys.argv[1]); engine = LoopbackEngine(\n"
        "        folder / 'corosync.conf', folder / 'authkey', int(sys.argv[2]), Path(sys.argv[3]))\n"
        "    await engine.start(lambda event: None); await engine.join('config'); await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", program, os.fspath(machine.folder / f"node{node_id}"), str(node_id)]
    process = subprocess.Popen([*command, os.fspath(machine.path)], cwd=ROOT)
    machine.killed.append(process)
    return process


async def test_a_process_killed_with_nine_is_gone_from_ring_and_group_at_once(world: Machine):
    pairs = await contract.joined(world, 2)
    document = cluster_of(3)
    for node_id in (1, 2, 3):
        world.configure(node_id, document)
    await pairs[0][0].reload()
    process = node_process(world, 3)
    recorders = [recorder for _, recorder in pairs]
    await world.until(lambda: all(recorder.member_nodes("config") == (1, 2, 3) for recorder in recorders))
    killed_s = time.monotonic()
    process.kill()
    await world.until(lambda: all(recorder.member_nodes("config") == (1, 2) for recorder in recorders))
    print(f"kill -9 was seen after {(time.monotonic() - killed_s) * 1000:.1f} ms")
    await world.until(lambda: all((q := recorder.quorum()) is not None and q.nodes == (1, 2) for recorder in recorders))
    again = node_process(world, 3)
    await world.until(lambda: all(recorder.member_nodes("config") == (1, 2, 3) for recorder in recorders))
    members = recorders[0].view("config").members
    assert [member.pid for member in members if member.node_id == 3] == [again.pid]


async def test_when_the_wire_is_killed_all_engines_say_so_and_find_each_other_on_a_new_one(world: Machine):
    pairs = await contract.joined(world, 3)
    before = pairs[0][1].view("config").ring
    old = world.wire_pid()
    os.kill(old, signal.SIGKILL)
    await world.until(lambda: all(recorder.lost() for _, recorder in pairs))
    marks = [len(recorder.events) for _, recorder in pairs]
    await asyncio.gather(*(engine.start(recorder) for engine, recorder in pairs))
    await asyncio.gather(*(engine.join("config") for engine, _ in pairs))

    def together() -> bool:
        views = [recorder.views("config", mark) for (_, recorder), mark in zip(pairs, marks, strict=True)]
        return all(view and len(view[-1].members) == 3 for view in views)

    await world.until(together)
    assert world.wire_pid() != old
    for (_, recorder), mark in zip(pairs, marks, strict=True):
        first = next(event for event in recorder.events[mark:] if isinstance(event, QuorumChanged))
        assert first.ring.sequence > before.sequence, "a new wire does not count from the start"
        contract.check_rings_never_go_back(recorder, "config")


async def test_many_engines_that_find_no_wire_start_one(world: Machine):
    document = cluster_of(6)
    for node_id in range(1, 7):
        world.configure(node_id, document)
    pairs = await asyncio.gather(*(world.start(node_id) for node_id in range(1, 7)))
    await world.until(lambda: all((q := r.quorum()) is not None and len(q.nodes) == 6 for _, r in pairs))


async def test_the_wire_ends_by_itself_after_the_last_engine_left(world: Machine):
    ((engine, _),) = await world.engines(1)
    pid = world.wire_pid()
    await engine.stop()
    await world.until(lambda: not world.path.exists() and has_ended(pid), timeout_s=10)


def has_ended(pid: int) -> bool:
    """Gone, or dead and not yet fetched by its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


async def test_a_wire_does_not_end_while_an_engine_is_there(world: Machine):
    (_, recorder), (other, _) = await world.engines(2)
    pid = world.wire_pid()
    await other.stop()
    await asyncio.sleep(2.5)  # longer than an idle wire lingers
    assert not recorder.lost() and world.wire_pid() == pid


async def test_the_socket_is_for_its_user_alone(world: Machine):
    await world.engines(1)
    assert world.path.stat().st_mode & 0o777 == 0o600


async def test_a_socket_that_a_killed_wire_left_behind_is_no_obstacle(world: Machine):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(os.fspath(world.path))
    await world.engines(1)


async def test_something_else_in_the_place_of_the_socket_is_left_alone(world: Machine):
    world.path.write_text("somebody's notes")
    world.configure(1, cluster_of(1))
    with pytest.raises(Unavailable):
        await world.start(1)
    assert world.path.read_text() == "somebody's notes"


async def test_a_node_with_another_key_or_cluster_name_is_in_another_cluster(world: Machine):
    document = cluster_of(3)
    world.configure(1, document)
    world.configure(2, document, authkey=AUTHKEY[::-1])
    text = conf.render(document).replace("cluster_name: demo", "cluster_name: other")
    world.configure(3, conf.parse(text))
    pairs = [await world.start(node_id) for node_id in (1, 2, 3)]
    for engine, _ in pairs:
        await engine.join("config")
        engine.multicast("config", b"hello?")
    await world.until(lambda: all(recorder.payloads("config") == [b"hello?"] for _, recorder in pairs))
    assert [recorder.quorum().nodes for _, recorder in pairs] == [(1,), (2,), (3,)]


async def test_two_with_the_same_node_id_cannot_both_connect(world: Machine):
    await world.engines(1)
    intruder = world.engine(1)
    with pytest.raises(Unavailable, match="already connected"):
        await intruder.start(Recorder())


@pytest.mark.parametrize("missing", ["corosync.conf", "authkey"])
async def test_without_its_files_an_engine_does_not_start_and_says_which_is_missing(world: Machine, missing: str):
    folder = world.configure(1, cluster_of(1))
    (folder / missing).unlink()
    with pytest.raises(Unavailable, match=missing):
        await world.engine(1).start(Recorder())
    assert not world.path.exists(), "no wire was started in vain"


@pytest.mark.parametrize("text", ["totem {", "", conf.render(cluster_of(1)).replace("nodeid: 1", "nodeid: 4")])
async def test_a_configuration_that_is_broken_or_does_not_know_the_node_is_refused(world: Machine, text: str):
    folder = world.configure(1, cluster_of(1))
    (folder / "corosync.conf").write_text(text)
    with pytest.raises(Unavailable):
        await world.engine(1).start(Recorder())


async def test_an_engine_knows_its_node_by_name_too(world: Machine):
    folder = world.configure(2, cluster_of(2))
    engine = LoopbackEngine(folder / "corosync.conf", folder / "authkey", "node2", world.path)
    world.pairs.append((engine, Recorder()))
    await engine.start(world.pairs[0][1])
    assert (await engine.status()).node_id == 2


async def test_the_key_is_in_no_repr_and_not_on_the_command_line(world: Machine):
    await world.engines(1)
    engine = world.pairs[0][0]
    assert "key" not in repr(engine._configuration).replace("authkey", "")
    command = Path(f"/proc/{world.wire_pid()}/cmdline").read_bytes().split(b"\0")
    assert command[-2:] == [os.fsencode(world.path), b""]


async def test_rings_never_go_back_even_when_everything_was_ended(world: Machine):
    ((engine, recorder),) = await world.engines(1)
    await engine.stop()
    first = recorder.quorum().ring
    wire.end(world.path)
    engine, recorder = await world.start(1)
    assert recorder.quorum().ring.sequence > first.sequence


# --- reload -----------------------------------------------------------------------------------------------------------


async def test_a_reload_makes_every_member_count_the_new_votes(world: Machine):
    pairs = await contract.joined(world, 2)
    document = cluster_of(3)
    for node_id in (1, 2):
        world.configure(node_id, document)
    rings = [recorder.quorum().ring for _, recorder in pairs]
    await pairs[0][0].reload()
    await world.until(lambda: all(r.quorum().quorum.expected_votes == 3 for _, r in pairs))
    assert [recorder.quorum().ring for _, recorder in pairs] == rings, "votes changed, the ring did not"
    assert (await pairs[1][0].status()).quorum.expected_votes == 3


async def test_a_member_whose_file_comes_a_moment_later_takes_it_when_it_comes(world: Machine):
    pairs = await contract.joined(world, 2)
    document = cluster_of(3)
    world.configure(1, document)
    await pairs[0][0].reload()
    assert pairs[1][1].quorum().quorum.expected_votes == 2
    world.configure(2, document)
    await world.until(lambda: pairs[1][1].quorum().quorum.expected_votes == 3)


async def test_a_new_node_is_heard_once_the_others_have_it_in_their_configuration(world: Machine):
    pairs = await contract.joined(world, 2)
    document = cluster_of(3)
    world.configure(3, document)
    _, newcomer = await world.start(3)
    assert newcomer.quorum().nodes == (3,)
    for node_id in (1, 2):
        world.configure(node_id, document)
    await pairs[0][0].reload()
    await world.until(lambda: all(r.quorum().nodes == (1, 2, 3) for r in (newcomer, *(r for _, r in pairs))))


async def test_a_removed_node_is_heard_no_more(world: Machine):
    pairs = await contract.joined(world, 3)
    smaller = conf.remove_node(cluster_of(3), "node3")
    for node_id in (1, 2):
        world.configure(node_id, smaller)
    await pairs[0][0].reload()
    await world.until(lambda: [r.quorum().nodes for _, r in pairs] == [(1, 2), (1, 2), (3,)])
    assert pairs[0][1].quorum().quorum.expected_votes == 2


async def test_a_broken_file_at_reload_changes_nothing(world: Machine):
    pairs = await contract.joined(world, 2)
    (world.folder / "node2" / "corosync.conf").write_text("totem {")
    await pairs[0][0].reload()
    assert (await pairs[1][0].status()).quorum.expected_votes == 2
    with pytest.raises(Unavailable):
        await pairs[1][0].reload()


async def test_a_reload_that_is_overtaken_by_a_stop_ends_in_words(world: Machine):
    ((engine, _),) = await contract.joined(world, 1)
    reloading = asyncio.ensure_future(engine.reload())
    await asyncio.sleep(0)
    await engine.stop()
    with pytest.raises(Unavailable):
        await reloading


# --- votes, links, and the join of notices ----------------------------------------------------------------------------


async def test_two_nodes_with_two_node_wait_for_each_other_once(world: Machine):
    text = conf.render(cluster_of(2)).replace("votequorum\n", "votequorum\n  two_node: 1\n")
    for node_id in (1, 2):
        world.configure(node_id, conf.parse(text))
    _, first = await world.start(1)
    assert not first.quorum().quorum.quorate
    second, _ = await world.start(2)
    await world.until(lambda: first.quorum().quorum.quorate)
    await second.stop()
    await world.until(lambda: first.quorum().nodes == (1,))
    assert first.quorum().quorum.quorate
    assert first.quorum().quorum.flags == ("2Node", "Quorate", "WaitForAll")


async def test_links_are_connected_as_their_peers_are(world: Machine):
    pairs = await world.engines(3)
    await world.split([[0, 1], [2]])
    await world.until(lambda: pairs[0][1].quorum().nodes == (1, 2))
    status = await pairs[0][0].status()
    assert [(link.peer_node_id, link.link, link.connected) for link in status.links] == [(2, 0, True), (3, 0, False)]


async def test_membership_settles_from_what_the_engine_tells(world: Machine):
    pairs = await contract.joined(world, 3)
    await world.split([[0], [1, 2]])
    await world.until(lambda: all(recorder.settled("config") for _, recorder in pairs))
    await world.until(lambda: pairs[2][1].member_nodes("config") == (2, 3))
    membership = Membership()
    for event in pairs[2][1].events:
        if isinstance(event, GroupChanged):
            membership.group_changed(event.ring, event.members)
        elif isinstance(event, QuorumChanged):
            membership.quorum_changed(event.ring, event.nodes, event.quorum)
    view = membership.view
    assert (view.members, view.nodes, view.settled, view.quorate) == ((2, 3), (2, 3), True, True)


# --- bounds -----------------------------------------------------------------------------------------------------------


async def eventually_refused(send: Callable[[], None]) -> None:
    deadline_s = time.monotonic() + 20
    while time.monotonic() < deadline_s:
        try:
            send()
        except Busy:
            return
        await asyncio.sleep(0)
    pytest.fail("the queue grows without bound")


@pytest.mark.slow
async def test_one_that_takes_nothing_is_hung_up_on_and_the_wire_stays_small(world: Machine):
    document = cluster_of(2)
    for node_id in (1, 2):
        world.configure(node_id, document)
    engine, recorder = await world.start(1)
    await engine.join("config")
    process = node_process(world, 2)
    await world.until(lambda: recorder.member_nodes("config") == (1, 2))
    process.send_signal(signal.SIGSTOP)
    payload = bytes(MESSAGE_SIZE_MAX)
    while recorder.member_nodes("config") == (1, 2):
        with contextlib.suppress(Busy):
            engine.multicast("config", payload)
        await asyncio.sleep(0.002)
        assert resident_mib(world.wire_pid()) < 150
    before = len(recorder.payloads("config"))
    process.send_signal(signal.SIGCONT)
    with contextlib.suppress(Busy):
        engine.multicast("config", b"going on")
    await world.until(lambda: len(recorder.payloads("config")) > before)


def resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / (1 << 20)


async def test_large_messages_fill_the_queue_by_their_bytes(world: Machine):
    ((engine, recorder),) = await contract.joined(world, 1)
    payload = bytes(MESSAGE_SIZE_MAX)
    accepted = contract.flood(engine, "config", [payload] * 200)
    assert 60 <= accepted <= 70
    await world.until(lambda: len(recorder.payloads("config")) == accepted)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff",
        frames.encode(frames.Join("config")),
        frames.encode(frames.Hello(b"k" * 32, 9, 1, 0, [9])) * 2,
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
async def test_whoever_speaks_nonsense_is_hung_up_on_and_the_others_go_on(world: Machine, data: bytes):
    ((engine, recorder),) = await contract.joined(world, 1)
    reader, writer = await asyncio.open_unix_connection(world.path)
    writer.write(data)
    async with asyncio.timeout(5):
        while await reader.read(4096):
            pass
    writer.close()
    engine.multicast("config", b"going on")
    await world.until(lambda: recorder.payloads("config") == [b"going on"])


async def test_a_listener_that_fails_hears_the_next_event_all_the_same(world: Machine):
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
    world.configure(1, cluster_of(1))
    heard: list[object] = []

    def listen(event: object) -> None:
        heard.append(event)
        raise ValueError("a bug")

    engine: Engine = world.engine(1)
    world.pairs.append((engine, Recorder()))
    await engine.start(listen)
    await engine.join("config")
    await world.until(lambda: any(isinstance(event, GroupChanged) for event in heard))
    assert len(complaints) == len(heard)


async def test_nothing_can_be_sent_to_a_group_that_was_not_joined(world: Machine):
    ((engine, _),) = await world.engines(1)
    with pytest.raises(QuireError):
        engine.multicast("config", b"x")


async def test_loss_is_told_once_and_nothing_after_it(world: Machine):
    ((_, recorder),) = await contract.joined(world, 1)
    await world.lose(0)
    await world.until(recorder.lost)
    assert sum(isinstance(event, EngineLost) for event in recorder.events) == 1
    assert "hung" in recorder.events[-1].reason


def test_the_wire_can_be_told_from_the_command_line(tmp_path: Path):
    path = tmp_path / "wire"

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "cluster.engine.wire", os.fspath(path), *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)

    assert run("--heal").returncode == 1
    assert run().returncode == 0
    assert [run(*words).returncode for words in (["--split", "1/2,3"], ["--heal"], ["--drop", "1"])] == [0, 0, 0]
    assert run("--split", "one").returncode == 1
    assert run("--end").returncode == 0
    assert not path.exists()


async def test_payloads_of_a_burst_arrive_in_order_on_all(world: Machine):
    pairs = await contract.joined(world, 3)
    for _ in range(3):
        for engine, _ in pairs:
            contract.flood(engine, "config", numbered("x", 0))
    sent = numbered("burst", 1000)
    assert contract.flood(pairs[1][0], "config", sent) == 1000
    await world.until(lambda: all(recorder.payloads("config") == sent for _, recorder in pairs))
