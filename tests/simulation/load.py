"""How much is asked of the cluster, and when: a sparse background, and bursts where something breaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster.core.operations import AnyOperation, Expect, Mkdir, Remove, Rename, Touch, Write, digest_of

if TYPE_CHECKING:
    from tests.simulation.world import World

OPEN_REQUESTS_MAX = 30
LONG_HAULS_FROM = 100_000  # seeds from here on are long


@dataclass(frozen=True, slots=True)
class Pace:
    """`faults_s` is how long things break, then all is healed; `gaps_s` are mean times between faults and
    `ask_gaps_s` between requests, of which a seed draws one each; `burst` requests come with each fault."""

    faults_s: float
    gaps_s: tuple[float, ...]
    ask_gaps_s: tuple[float, ...]
    burst: int


DENSE = Pace(40.0, (0.1, 0.3, 1.0, 4.0), (0.02, 0.1, 0.5), 0)
LONG = Pace(3600.0, (60.0, 90.0, 120.0), (20.0, 60.0), 12)


def pace_of(seed: int) -> Pace:
    return LONG if seed >= LONG_HAULS_FROM else DENSE


class Load:
    def __init__(self, world: World, pace: Pace) -> None:
        self.world, self.dice, self.pace = world, world.dice, pace
        self.gap_s = self.dice.choice(pace.ask_gaps_s)
        self.active = True
        world.clock.after(self.dice.uniform(0.0, 4.0), self._next)

    def _next(self) -> None:
        if self.active:
            for _ in range(self.dice.choice((1, 1, 1, 1, 8))):
                self.act()
            self.world.clock.after(self.dice.expovariate(1 / self.gap_s), self._next)

    def calm(self) -> None:
        """Enough for the healed to have something to catch up with."""
        self.gap_s = max(self.gap_s, 1.0)

    def burst(self) -> None:
        """Clients are busy just when something breaks: a little before, and for some seconds after."""
        for _ in range(self.dice.randint(0, 2 * self.pace.burst)):
            self.world.clock.after(self.dice.expovariate(1 / 2.0), self.act)

    def act(self) -> None:
        if not self.active:
            return
        if self.dice.random() < 0.6:
            self.world.clients.someone_acts()
        elif len(self.world.requests.open) < OPEN_REQUESTS_MAX:
            self.world.requests.ask(self.random_operations())

    def random_operations(self) -> tuple[AnyOperation, ...]:
        """Anything that can be asked of a tree, on paths of its own."""
        dice, content = self.dice, b"hunter2 %d " % len(self.world.requests.asked) * self.dice.choice((1, 1, 1, 200))
        file, folder = f"f{dice.randrange(5)}", f"d{dice.randrange(3)}"
        choice = dice.random()
        if choice < 0.6:
            return (Write(file, content),)
        if choice < 0.66:
            return (Mkdir(folder), Write(f"{folder}/{file}", content))
        if choice < 0.72:
            return (Rename(file, f"{folder}/{file}"),)
        if choice < 0.78:
            return (Remove(f"{folder}/{file}"),)
        if choice < 0.84:
            return (Write(file, content), Remove(folder))
        if choice < 0.9:
            return (Touch(file, dice.randrange(1 << 31)),)
        return (Expect(file, dice.choice(("", digest_of(content)))), Write(file, content, create=dice.random() < 0.5))
