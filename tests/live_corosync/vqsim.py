"""corosync's own simulator of votequorum, spoken to over its pipes: make a cluster, split it, ask who is quorate.

It answers asynchronously and prints every change of its nodes. So it is asked until what it says has settled. Each of
its nodes is a process; a simulator and its nodes are one process group, ended together.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

INSTALLED = shutil.which("corosync-vqsim") is not None
ANSWER_S, POLL_S = 15.0, 0.03
_SHOWN = re.compile(r"\d+:(\d+): q=(\d) ring=\[.*\] nodes=\[(.*)\]")

Sides = Iterable[Collection[int]]


def configuration(votes: Mapping[int, int], keys: Mapping[str, object]) -> str:
    """A corosync.conf with these nodes and these keys of its quorum section; `device.` keys belong to the QDevice."""
    nodes = "".join(
        f"  node {{\n    nodeid: {node_id}\n    quorum_votes: {count}\n    ring0_addr: 127.0.0.{node_id}\n  }}\n"
        for node_id, count in votes.items()
    )
    own = "".join(f"  {key}: {value}\n" for key, value in keys.items() if not key.startswith("device."))
    device = "".join(f"    {key[7:]}: {value}\n" for key, value in keys.items() if key.startswith("device."))
    if device:
        own += f"  device {{\n{device}  }}\n"
    quorum = f"quorum {{\n  provider: corosync_votequorum\n{own}}}\n"
    return f"totem {{\n  version: 2\n  cluster_name: q\n}}\n{quorum}nodelist {{\n{nodes}}}\n"


class Simulator:
    """One cluster, all of whose nodes are there and see each other to begin with."""

    def __init__(self, folder: Path, votes: Mapping[int, int], keys: Mapping[str, object]) -> None:
        file = folder / "q.conf"  # it takes at most seven characters
        file.write_text(configuration(votes, keys))
        self._everyone = set(votes)
        self._process = subprocess.Popen(
            ["corosync-vqsim", "-n", "-c", file.name],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
            start_new_session=True,
        )

    def __enter__(self) -> Simulator:
        return self

    def __exit__(self, *_error: object) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=10)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def say(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")

    def split(self, sides: Sides) -> None:
        """At one stroke; the last side stays where it is, for whoever moves later than the others sees two changes."""
        moved = [f"{number}:{_listed(side)}" for number, side in enumerate(list(sides)[:-1], 1)]
        if moved:
            self.say("split " + " ".join(moved))

    def restart(self, sides: Sides) -> None:
        """All nodes go down, and these come up anew, side by side; one at a time, or it loses count of them."""
        staying = set(self._everyone)
        for node_id in sorted(self._everyone):
            staying.discard(node_id)
            self.say(f"down {node_id}")
            self.settled([staying])
        here: list[set[int]] = []
        for number, side in enumerate(sides, 1):
            here.append(set())
            for node_id in sorted(side):
                self.say(f"up {number}:{node_id}")
                here[-1].add(node_id)
                self.settled(here)

    def cut_off(self, node_ids: Collection[int], partition: int) -> None:
        """These leave partition 0 at one stroke, for one of their own."""
        self.say(f"split {partition}:{_listed(node_ids)}")

    def together(self, count: int) -> None:
        """Joins partitions 0 to `count` again."""
        self.say("join " + " ".join(map(str, range(count + 1))))

    def settled(self, sides: Sides, hoped: Mapping[int, bool] | None = None) -> dict[int, bool]:
        """Who is quorate once these sides are complete; of other nodes nothing is asked.

        A node hears of votes a moment after it sees a neighbour, so with `hoped` given it is asked on until that is so
        twice running, or the time is up."""
        wanted = {node_id: set(side) for side in sides for node_id in side}
        end_s, agreed, quorate = time.monotonic() + (ANSWER_S if hoped is None else 3.0), 0, {}
        while time.monotonic() < end_s:
            seen = {node_id: told for node_id, told in self._show().items() if node_id in wanted}
            if {node_id: nodes for node_id, (_, nodes) in seen.items()} == wanted:
                quorate = {node_id: held for node_id, (held, _) in seen.items()}
                agreed = agreed + 1 if hoped is None or quorate == hoped else 0
                if agreed == 2:
                    break
            time.sleep(POLL_S)
        return quorate

    def _show(self) -> dict[int, tuple[bool, set[int]]]:
        assert self._process.stdout is not None
        self.say("show")
        seen: dict[int, tuple[bool, set[int]]] = {}
        for line in self._process.stdout:
            if line.startswith("#autofence"):
                break
            if match := _SHOWN.match(line):
                seen[int(match[1])] = (match[2] == "1", {int(node_id) for node_id in match[3].split()})
        return seen


def _listed(node_ids: Collection[int]) -> str:
    return ",".join(map(str, sorted(node_ids)))
