"""The simulated engine: the contract in simulated time over many seeds, and what a simulation is for: same seed, same
world; faults of every kind; and extended virtual synchrony when the order has holes."""

import asyncio
import itertools
import random
import time
from collections.abc import Callable

import pytest

from cluster.core.quorum import Options
from cluster.engine.base import Delivered, EngineEvent, EngineLost, GroupChanged, QuorumChanged
from cluster.engine.simulated import SimulatedEngine, SimulatedNetwork, Timing
from cluster.engine.simulated_ring import recover
from cluster.errors import Busy, Unavailable
from tests.engine import contract
from tests.engine.contract import Pair, Recorder, World, numbered

THREE = {1: 1, 2: 1, 3: 1}


class SimulatedWorld(World):
    """Nodes of one network, whose clock goes on only while the test waits."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.pairs: list[Pair] = []

    async def engines(self, n: int) -> list[Pair]:
        self.network = SimulatedNetwork(self.seed, dict.fromkeys(range(1, n + 1), 1))
        self.pairs = [(SimulatedEngine(self.network, node_id), Recorder()) for node_id in range(1, n + 1)]
        for engine, recorder in self.pairs:
            await engine.start(recorder)
        everyone = tuple(range(1, n + 1))
        told = lambda: [recorder.quorum() for _, recorder in self.pairs]  # noqa: E731
        await self.until(lambda: all(quorum is not None and quorum.nodes == everyone for quorum in told()))
        return self.pairs

    async def split(self, sides: list[list[int]]) -> None:
        self.network.split([[i + 1 for i in side] for side in sides])

    async def heal(self) -> None:
        self.network.heal()

    async def kill(self, i: int) -> None:
        self.network.kill(i + 1)

    async def lose(self, i: int) -> None:
        self.network.lose(i + 1)

    async def restore(self, i: int) -> None:
        """The others notice the loss in the meantime, as they would while a node starts again."""
        self.network.run_for(4_000.0)

    async def flood(self, i: int, group: str, payloads) -> int:
        return contract.flood(self.pairs[i][0], group, payloads)

    async def pause(self) -> None:
        self.network.run_for(1.0)
        await asyncio.sleep(0)

    async def until(self, predicate: Callable[[], bool], timeout_s: float = contract.WAIT_S) -> None:
        end_ms = self.network.now_ms + timeout_s * 1000
        while not predicate():
            if self.network.now_ms > end_ms:
                pytest.fail(f"did not come true within {timeout_s:g} simulated s (seed {self.seed})")
            await self.pause()


@pytest.fixture(params=range(5), ids=lambda seed: f"seed{seed}")
def world(request: pytest.FixtureRequest) -> SimulatedWorld:
    return SimulatedWorld(request.param)


class TestSimulated(contract.EngineContract):
    pass


# --- a cluster to do things to ----------------------------------------------------------------------------------------


class Cluster:
    """A network with a recorder on every node, all in the group `config`."""

    def __init__(self, seed: int, votes: dict[int, int] | None = None, **settings: object) -> None:
        self.seed = seed
        self.network = SimulatedNetwork(seed, votes or THREE, **settings)
        self.recorders: dict[int, Recorder] = {}
        for node in self.network.nodes:
            self.start(node.node_id)

    def start(self, node_id: int) -> None:
        recorder = self.recorders.setdefault(node_id, Recorder())
        node = self.network.node(node_id)
        node.start(recorder)
        node.join("config")

    def members(self, node_id: int) -> tuple[int, ...]:
        return self.recorders[node_id].member_nodes("config")

    def until(self, predicate: Callable[[], bool], limit_ms: float = 60_000) -> None:
        assert self.network.run_until(predicate, limit_ms), f"did not come true (seed {self.seed})"

    def together(self, *node_ids: int) -> None:
        """Until these nodes are settled in a view of just them."""

        def settled() -> bool:
            recorders = [self.recorders[node_id] for node_id in node_ids]
            return all(r.settled("config") and r.member_nodes("config") == node_ids for r in recorders)

        self.until(settled)

    def settled(self) -> "Cluster":
        self.together(*sorted(self.recorders))
        return self


def test_the_same_seed_makes_the_same_world_event_for_event():
    def life(seed: int) -> list[list[EngineEvent]]:
        cluster = Cluster(seed).settled()
        for number in range(20):
            cluster.network.node(number % 3 + 1).multicast("config", b"%d" % number)
        cluster.network.isolate(2)
        cluster.network.run_for(5_000)
        cluster.network.heal()
        cluster.network.crash(3)
        cluster.network.run_for(5_000)
        return [recorder.events for recorder in cluster.recorders.values()]

    assert life(7) == life(7)
    assert life(7) != life(8)


def test_a_crash_is_noticed_after_the_token_timeout_and_a_boot_sooner():
    cluster = Cluster(1).settled()
    at_ms = cluster.network.now_ms
    cluster.network.crash(3)
    cluster.together(1, 2)
    assert 1000 <= cluster.network.now_ms - at_ms <= 3100
    at_ms = cluster.network.now_ms
    cluster.start(3)
    cluster.together(1, 2, 3)
    assert cluster.network.now_ms - at_ms <= 1000


def test_a_killed_process_is_gone_at_once_while_its_node_stays_in_the_ring():
    cluster = Cluster(2).settled()
    ring, at_ms = cluster.recorders[1].view("config").ring, cluster.network.now_ms
    cluster.network.kill(3)
    cluster.until(lambda: cluster.members(1) == cluster.members(2) == (1, 2))
    assert cluster.network.now_ms - at_ms < 1000
    assert cluster.recorders[1].view("config").ring == ring
    assert cluster.recorders[1].quorum().nodes == (1, 2, 3)
    cluster.start(3)
    cluster.until(lambda: cluster.members(1) == cluster.members(3) == (1, 2, 3))


def test_a_process_restarted_again_and_again_leaves_no_ghost_behind():
    cluster = Cluster(3).settled()
    for _ in range(5):
        cluster.start(3)
    cluster.until(lambda: cluster.members(1) == (1, 2, 3))
    cluster.network.run_for(2_000)
    member = cluster.network.node(3).member
    assert [m for m in cluster.recorders[1].view("config").members if m.node_id == 3] == [member]


def test_one_who_joins_leaves_and_joins_in_one_breath_is_a_member_once():
    cluster = Cluster(4).settled()
    node = cluster.network.node(2)
    node.leave("config")
    node.join("config")
    cluster.network.run_for(1_000)
    assert cluster.members(1) == cluster.members(2) == (1, 2, 3)
    assert contract.check_view_synchrony([cluster.recorders[1], cluster.recorders[3]], "config") > 0


def test_a_short_break_costs_time_but_no_ring():
    cluster = Cluster(5).settled()
    ring = cluster.recorders[1].view("config").ring
    cluster.network.isolate(2)
    cluster.network.node(2).multicast("config", b"held up")
    cluster.network.run_for(500)
    cluster.network.heal()
    cluster.until(lambda: all(r.payloads("config") == [b"held up"] for r in cluster.recorders.values()))
    cluster.network.run_for(5_000)
    assert cluster.recorders[1].view("config").ring == ring


def test_a_crashed_node_remembers_its_ring_sequence():
    cluster = Cluster(6).settled()
    for node_id in (1, 2, 3):
        cluster.network.crash(node_id)
    before = cluster.network.node(1).ring_sequence
    for node_id in (1, 2, 3):
        cluster.recorders[node_id].events.clear()
        cluster.start(node_id)
    cluster.settled()
    assert cluster.recorders[1].view("config").ring.sequence > before


def test_a_paused_process_hears_everything_later_and_in_order():
    cluster = Cluster(7).settled()
    cluster.network.node(2).pause()
    mark = len(cluster.recorders[2].events)
    for number in range(10):
        cluster.network.node(1).multicast("config", b"%d" % number)
    cluster.network.isolate(3)
    cluster.together(3)
    cluster.until(lambda: cluster.members(1) == (1, 2))
    assert len(cluster.recorders[2].events) == mark
    cluster.network.node(2).resume()
    assert cluster.recorders[2].payloads("config") == [b"%d" % number for number in range(10)]
    assert cluster.members(2) == (1, 2)


def test_a_slow_node_hears_later():
    cluster = Cluster(8, timing=Timing(loss_rate=0)).settled()
    cluster.network.delay(3, 400.0)
    cluster.network.node(1).multicast("config", b"x")
    cluster.network.run_for(100)
    assert [len(recorder.payloads("config")) for recorder in cluster.recorders.values()] == [1, 1, 0]
    cluster.network.run_for(400)
    assert cluster.recorders[3].payloads("config") == [b"x"]


def test_new_votes_are_counted_after_a_reload():
    cluster = Cluster(9).settled()
    cluster.network.votes[3] = 4
    assert cluster.recorders[1].quorum().quorum.expected_votes == 3
    cluster.network.reload(2)
    cluster.until(lambda: all(r.quorum().quorum.expected_votes == 6 for r in cluster.recorders.values()))


def test_a_node_may_be_added_while_the_cluster_runs():
    cluster = Cluster(10).settled()
    cluster.network.votes[4] = 1
    cluster.start(4)
    cluster.together(1, 2, 3, 4)


def test_two_nodes_wait_for_each_other_when_told_to():
    cluster = Cluster(11, {1: 1, 2: 1}, options=Options(two_node=True))
    cluster.network.crash(2)
    cluster.together(1)
    assert not cluster.recorders[1].quorum().quorum.quorate
    cluster.start(2)
    cluster.settled()
    cluster.network.crash(1)
    cluster.together(2)
    assert cluster.recorders[2].quorum().quorum.quorate


def test_what_cannot_be_sent_is_refused_in_words():
    network = SimulatedNetwork(1, {1: 1})
    node = network.node(1)
    with pytest.raises(Unavailable):
        node.multicast("config", b"x")
    node.start(Recorder())
    with pytest.raises(Unavailable):
        node.multicast("config", b"x")


def test_a_listener_may_bring_its_own_node_down():
    cluster = Cluster(12).settled()
    heard: list[EngineEvent] = []

    def fragile(event: EngineEvent) -> None:
        heard.append(event)
        if isinstance(event, Delivered):
            cluster.network.crash(2)

    node = cluster.network.node(2)
    node.start(fragile)
    node.join("config")
    cluster.network.run_for(1_000)
    for number in range(5):
        cluster.network.node(1).multicast("config", b"%d" % number)
    cluster.together(1, 3)
    assert sum(isinstance(event, Delivered) for event in heard) == 1
    assert heard[-1] == heard[[isinstance(event, Delivered) for event in heard].index(True)], "nothing after the crash"


# --- extended virtual synchrony ---------------------------------------------------------------------------------------


def test_what_a_hole_hides_only_the_side_without_it_misses_and_senders_deliver_their_own():
    """alpha and beta stay together, gamma goes. Of four messages the second, gamma's, reached only gamma."""
    cluster = Cluster(13, timing=Timing(loss_rate=0)).settled()
    alpha, beta, gamma = cluster.network.nodes
    ring = alpha.ring
    start = ring.length
    sent = [(1, b"first"), (3, b"gamma's"), (1, b"own behind the hole"), (3, b"gamma's other")]
    for node_id, payload in sent:
        ring.log.append((node_id, Delivered("config", cluster.network.node(node_id).member, payload)))
    alpha.got |= {start, start + 2, start + 3}
    beta.got |= {start}
    gamma.got |= {start, start + 1, start + 3}
    recover(ring, [alpha, beta])
    recover(ring, [gamma])
    together = [b"first", b"own behind the hole"]
    assert cluster.recorders[1].payloads("config") == cluster.recorders[2].payloads("config") == together
    assert cluster.recorders[3].payloads("config") == [b"first", b"gamma's", b"gamma's other"]


def sent_by(recorder: Recorder, node_id: int) -> list[bytes]:
    return [delivered.payload for delivered in recorder.deliveries("config") if delivered.sender.node_id == node_id]


def check_own_delivered_in_order(cluster: Cluster, sent: dict[int, list[bytes]]) -> None:
    """For processes that never died: each delivered all it sent, in its order."""
    for node_id, payloads in sent.items():
        assert sent_by(cluster.recorders[node_id], node_id) == payloads, f"node {node_id} (seed {cluster.seed})"


@pytest.mark.parametrize("seed", range(30))
def test_order_synchrony_and_self_delivery_hold_through_any_splits(seed: int):
    chance = random.Random(seed)
    cluster = Cluster(seed, dict.fromkeys(range(1, 6), 1)).settled()
    sent: dict[int, list[bytes]] = {node_id: [] for node_id in cluster.recorders}

    def say(node_id: int) -> None:
        payload = b"%d:%d" % (node_id, len(sent[node_id]))
        try:
            cluster.network.node(node_id).multicast("config", payload)
        except Busy:
            return
        sent[node_id].append(payload)

    for _ in range(400):
        cluster.network.at(chance.uniform(0, 40_000), say, chance.randint(1, 5))
        at_ms = chance.uniform(0, 40_000)
        for _ in range(chance.randint(0, 2)):  # bursts
            cluster.network.at(at_ms, say, chance.randint(1, 5))
    for _ in range(8):
        sides = [[node_id for node_id in range(1, 6) if chance.random() < 0.5]]
        cluster.network.at(chance.uniform(0, 40_000), cluster.network.split, sides)
        cluster.network.at(chance.uniform(0, 40_000), cluster.network.heal)
    cluster.network.run_for(41_000)
    cluster.network.heal()
    cluster.settled()
    cluster.network.run_for(5_000)
    contract.check_all(list(zip(cluster.network.nodes, cluster.recorders.values(), strict=True)), "config")
    check_own_delivered_in_order(cluster, sent)


@pytest.mark.parametrize("seed", range(30))
def test_order_and_synchrony_hold_through_crashes_kills_and_splits(seed: int):
    chance = random.Random(1000 + seed)
    cluster = Cluster(seed).settled()
    lives: list[Recorder] = list(cluster.recorders.values())
    numbers = itertools.count()

    def say(node_id: int) -> None:
        node = cluster.network.node(node_id)
        if node.running:
            node.multicast("config", b"%d" % next(numbers))

    def restart(node_id: int) -> None:
        if not cluster.network.node(node_id).running:
            cluster.recorders[node_id] = Recorder()
            lives.append(cluster.recorders[node_id])
            cluster.start(node_id)

    def fault() -> None:
        victim = chance.randint(1, 3)
        chance.choice([cluster.network.crash, cluster.network.kill, cluster.network.isolate])(victim)
        cluster.network.at(chance.uniform(10, 6_000), cluster.network.heal)
        cluster.network.at(chance.uniform(10, 6_000), restart, victim)

    for _ in range(600):
        cluster.network.at(chance.uniform(0, 60_000), say, chance.randint(1, 3))
    for _ in range(12):
        cluster.network.at(chance.uniform(0, 60_000), fault)
    cluster.network.run_for(70_000)
    cluster.network.heal()
    for node_id in (1, 2, 3):
        restart(node_id)
    cluster.settled()
    contract.check_same_order(lives, "config")
    contract.check_view_synchrony(lives, "config")
    for recorder in lives:
        if recorder.view("config") is not None:
            contract.check_rings_never_go_back(recorder, "config")


def test_the_seeds_reach_what_they_are_for():
    """Quorum told before and after the group; a self-delivery before another's; a message that one side alone has."""
    early = late = lonely = 0
    for seed in range(20):
        cluster = Cluster(seed).settled()
        cluster.network.isolate(2)
        for node_id in (1, 2, 3):
            cluster.network.node(node_id).multicast("config", b"%d" % node_id)
        cluster.together(2)
        cluster.together(1, 3)
        kinds = [type(event) for event in cluster.recorders[1].events if not isinstance(event, Delivered)][-2:]
        early += kinds == [QuorumChanged, GroupChanged]
        late += kinds == [GroupChanged, QuorumChanged]
        lonely += cluster.recorders[2].payloads("config") != cluster.recorders[1].payloads("config")
    assert early and late and lonely


def test_losing_the_transport_is_told_and_everything_after_a_start_is_new():
    cluster = Cluster(14).settled()
    cluster.network.lose(2)
    assert isinstance(cluster.recorders[2].events[-1], EngineLost)
    cluster.start(2)
    cluster.together(1, 2, 3)


def test_a_quiet_cluster_costs_nothing():
    cluster = Cluster(15).settled()
    cluster.network.run_for(1_000)
    before = cluster.network.events
    cluster.network.run_for(1000 * 3600 * 1000)
    assert cluster.network.events == before


def test_how_many_simulated_hours_a_minute_has():
    """Printed, not judged: three nodes, a write every eighteen seconds, a fault every ninety."""
    cluster = Cluster(16).settled()
    network, chance = cluster.network, random.Random(16)
    for recorder in cluster.recorders.values():
        recorder.events.clear()

    def client() -> None:
        node = network.node(chance.randint(1, 3))
        if node.running:
            node.multicast("config", b"x")
        network.at(chance.expovariate(1 / 18_000), client)

    def fault() -> None:
        victim = chance.randint(1, 3)
        if chance.random() < 0.5:
            network.isolate(victim)
            network.at(chance.uniform(2_000, 25_000), network.heal)
        else:
            network.crash(victim)
            network.at(chance.uniform(500, 20_000), lambda: cluster.start(victim))
        network.at(chance.expovariate(1 / 90_000), fault)

    network.at(0, client)
    network.at(30_000, fault)
    began_s, hours = time.perf_counter(), 20
    network.run_for(hours * 3_600_000)
    took_s = time.perf_counter() - began_s
    print(f"{hours / took_s * 60:,.0f} simulated hours a minute, {network.events / took_s:,.0f} events/s")
    assert sum(isinstance(event, Delivered) for event in cluster.recorders[1].events) > hours * 100


def test_payloads_from_all_sides_arrive_alike_under_load():
    cluster = Cluster(17).settled()
    for node_id in (1, 2, 3):
        assert contract.flood(cluster.network.node(node_id), "config", numbered(f"{node_id}", 2000)) == 1024
    cluster.until(lambda: all(len(r.payloads("config")) == 3 * 1024 for r in cluster.recorders.values()))
    payloads = [recorder.payloads("config") for recorder in cluster.recorders.values()]
    assert payloads[0] == payloads[1] == payloads[2]
