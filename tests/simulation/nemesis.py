"""Breaks things: each seed draws its own kinds of faults and how often they come; in the end everything is healed."""

from __future__ import annotations

from collections.abc import Callable

from cluster.core import electorate as votes
from cluster.core.replica import Phase
from cluster.model import Member
from tests.simulation.load import Load
from tests.simulation.world import FOREIGN_NODE, World

Enough = Callable[[votes.Electorate, list[int]], bool]


class Nemesis:
    def __init__(self, world: World, load: Load) -> None:
        self.world, self.dice, self.load = world, world.dice, load
        self.faults = 0
        self.active = True
        often = [self.strand, self.kill, self.add, self.remove]
        every: list[Callable[[], None]] = [
            *often, *often, self.split, self.isolate, self.glitch, self.cut_power, self.cut_power_everywhere,
            self.slow_disk, self.pause, self.break_disk, self.break_disks, self.wipe_disk, self.trim, self.garbage,
            self.raise_the_dead, self.invade,
        ]  # fmt: skip
        self.kinds = self.dice.sample(every, self.dice.randint(2, len(every)))
        self.gap_s = self.dice.choice(load.pace.gaps_s)
        self.at_views = self.dice.choice((0.0, 0.0, 0.1, 0.3))
        self.patience = self.dice.choice((0.05, 0.3, 1.0))
        world.network.on_view = self.view
        world.clock.after(self.dice.uniform(0.0, 6.0), self.next_fault)

    def next_fault(self) -> None:
        if self.active:
            self.faults += 1
            self.load.burst()
            wait_s = self.dice.random() * 0.5 if self.load.pace.burst else 0.0
            self.world.clock.after(wait_s, self.dice.choice(self.kinds))
            self.world.clock.after(self.dice.expovariate(1 / self.gap_s), self.next_fault)

    def view(self, members: tuple[Member, ...]) -> None:
        """Where a new view has just begun is the most delicate moment to break something."""
        if self.active and self.dice.random() < self.at_views:
            victim = self.dice.choice(members).node_id
            blow = self.dice.choice((self._kill, self._cut, self._isolate, self._glitch))
            self.world.clock.after(self.dice.random() * 0.03, blow, victim)

    # --- kinds of faults --------------------------------------------------------------------------------------------

    def someone(self) -> int:
        return self.dice.choice(sorted(self.world.network.hosts))

    def split(self) -> None:
        sides = self.dice.choice((2, 2, 3))
        self._split({node_id: self.dice.randrange(sides) for node_id in self.world.network.hosts})

    def isolate(self) -> None:
        self._isolate(self.someone())

    def glitch(self) -> None:
        self._glitch(self.someone())

    def strand(self) -> None:
        """Cut a node off just when it has the token and much to say: its log grows where nobody else can see it."""
        node_id = self.someone()
        if node_id not in self.world.processes:
            return
        self.world.tell(f"node {node_id} is cut off in mid-sentence")
        self.world.network.split({node_id: 100 + node_id}, token_to=node_id)
        for _ in range(self.dice.randint(1, 20)):
            self.world.requests.ask(self.load.random_operations(), node_id=node_id)
        if self.dice.random() < 0.5:
            self.world.clock.after(self.dice.random() * self.world.weather.reform_s, self._kill, node_id)
        self.world.clock.after(self.dice.uniform(0.05, 3.0), self._heal)

    def _isolate(self, node_id: int) -> None:
        self._split({node_id: 100 + node_id})

    def _split(self, sides: dict[int, int]) -> None:
        if self.active:
            self.world.tell(f"the network splits: {sides}")
            self.world.network.split(sides)
            self.world.clock.after(self.dice.uniform(0.5, 12) * self.patience, self._heal)

    def _glitch(self, node_id: int) -> None:
        if self.active:
            self.world.tell(f"node {node_id} is cut off for a moment")
            self.world.network.split({node_id: 100 + node_id})
            self.world.clock.after(self.dice.uniform(0.01, 1.0), self._heal)

    def _heal(self) -> None:
        self.world.tell("the network heals")
        self.world.network.heal()

    def kill(self) -> None:
        self._kill(self.someone())

    def _kill(self, node_id: int) -> None:
        if self.active and self.world.kill(node_id):
            self.world.clock.after(self.dice.choice((0.002, 0.05, 0.5, 4.0)) * self.dice.random(), self._start, node_id)

    def _start(self, node_id: int) -> None:
        self.world.start(node_id)

    def cut_power(self) -> None:
        self._cut(self.someone())

    def _cut(self, node_id: int) -> None:
        if self.active and self.world.cut_power(node_id):
            self.world.clock.after(self.dice.uniform(0.2, 10) * self.patience, self._boot, node_id)

    def _boot(self, node_id: int) -> None:
        if node_id in self.world.votes:
            self.world.boot(node_id)

    def cut_power_everywhere(self) -> None:
        for node_id in sorted(self.world.network.hosts):
            self._cut(node_id)

    def slow_disk(self) -> None:
        node_id = self.someone()
        self.world.slow[node_id] = self.dice.choice((0.05, 0.3, 3.0))
        self.world.tell(f"the disk of node {node_id} becomes slow")
        self.world.clock.after(self.dice.uniform(1, 10), self.world.slow.pop, node_id, None)

    def pause(self) -> None:
        process = self.world.processes.get(self.someone())
        if process is not None and not process.paused:
            self.world.tell(f"node {process.member.node_id} stands still")
            process.paused = True
            self.world.clock.after(self.dice.choice((0.05, 1.0, 6.0)) * self.dice.random(), process.resume)

    def break_disk(self) -> None:
        process = self.world.processes.get(self.someone())
        if process is not None:
            self.world.tell(f"the disk of node {process.member.node_id} fails")
            process.disk.fail()

    def break_disks(self) -> None:
        """A majority's disks fail at once, as when a shared volume runs full."""
        whole = sorted(self.world.processes)
        victims = self.dice.sample(whole, len(whole) // 2 + 1) if whole else []
        self.world.tell(f"the disks of nodes {victims} fail")
        for node_id in victims:
            self.world.processes[node_id].disk.fail()
        failed = {one for one in victims if self.world.processes[one].replica.phase is Phase.FAILED}
        if votes.is_majority(self.world.votes, failed):
            self.world.judge.saw("S13 fsync failure on majority")

    def wipe_disk(self) -> None:
        """A voter loses its disk for good and comes back blank, as long as the others have what a majority kept."""
        node_id = self.someone()
        bearable = self.can_do_without({node_id}, votes.sees_what_a_majority_kept)
        if node_id in self.world.votes and bearable and not self.world.administrator.busy:
            self.world.wipe(node_id)
            self.world.clock.after(self.dice.uniform(0.2, 5), self._boot, node_id)

    def can_do_without(self, away: set[int], enough: Enough) -> bool:
        """Are the others, with what their disks hold, enough of every electorate that counts or may count?"""
        world = self.world
        ours = [one for one in world.disks if one != FOREIGN_NODE]
        whole = [one for one in ours if not world.disks[one].load().blank and one not in away]
        counting = [electorate for one in ours for electorate in world.administrator.in_force(one) if electorate]
        return all(enough(electorate, whole) for electorate in counting)

    def invade(self) -> None:
        self.world.invade()
        self.world.clock.after(self.dice.uniform(1, 10), self.world.cut_power, FOREIGN_NODE)

    def raise_the_dead(self) -> None:
        """Somebody switches a removed node on again, which the manual forbids."""
        if self.world.administrator.retired:
            node_id = self.dice.choice(self.world.administrator.retired)
            self.world.boot(node_id)
            self.world.clock.after(self.dice.uniform(1, 10), self.world.cut_power, node_id)

    def trim(self) -> None:
        for disk in self.world.disks.values():
            disk.trim(keep_entries=self.dice.randrange(5))

    def garbage(self) -> None:
        process = self.world.processes.get(self.someone())
        if process is not None:
            junk = bytes(self.dice.randrange(256) for _ in range(self.dice.randrange(40)))
            self.world.network.multicast(process.member, self.dice.choice((b"", b"\x01")) + junk)

    def add(self) -> None:
        if not self.world.administrator.busy and len(self.world.votes) < 7:
            self.world.administrator.add_node()

    def remove(self) -> None:
        """An administrator removes a node, but not while another's disk is lost: its vote may be needed for that."""
        lost = any(disk.load().blank for disk in self.world.disks.values())
        if not self.world.administrator.busy and not lost and len(self.world.votes) > 1:
            self.world.administrator.remove_node()

    # --- the end ----------------------------------------------------------------------------------------------------

    def relent(self) -> None:
        """Heal a majority; those left away come back with `heal_everybody`."""
        world = self.world
        self.active = False
        self.load.calm()
        world.slow.clear()
        for process in list(world.processes.values()):
            process.resume()
        world.network.heal()
        candidates = [node_id for node_id in sorted(world.votes) if self.dice.random() < 0.5]
        while candidates and not self.can_do_without(set(candidates), votes.is_majority):
            candidates.pop()
        world.left_away = tuple(candidates) if not world.administrator.busy else ()
        world.tell(f"everything is healed, except that {list(world.left_away)} stay away")
        for node_id in sorted(world.disks):
            if node_id in (*world.administrator.retired, *world.left_away, FOREIGN_NODE):
                if node_id in world.network.hosts:
                    world.cut_power(node_id)
            elif node_id in world.votes or world.administrator.busy:
                world.boot(node_id)
        world.ask_a_probe()

    def heal_everybody(self) -> None:
        self.world.tell("those who were left away come back")
        for node_id in self.world.left_away:
            if node_id in self.world.votes:
                self.world.boot(node_id)
