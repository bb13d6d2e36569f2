"""What signing in and asking cost: that a refusal's time tells nothing, no answer is crossed, a page's list is quick.
Three nodes on loopback, and the one asked is in use by nobody else.

Sign-ins are timed at the control socket: over HTTPS each refusal is held back until three seconds have passed, which
would hide any difference there is.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.control import access_requests as ask
from cluster.control.blocking import BlockingClient
from cluster.control.requests import Login
from cluster.errors import Unauthenticated
from cluster.secret import Secret
from demo.bench.goals import Line
from demo.noise import noise
from demo.visitor import TRUSTING, Visit, Visited, visit

ROOT = "root@pam"
PASSWORD = "correct horse battery"
KINDS = {"unknown": "nobody@pve", "disabled": "gone@pve", "wrong": "here@pve"}
USERS = 50
RATE, ASKING = 50.0, 8  # requests a second, and by how many connections
DIFFERENCE_MS, RESOURCES_MS = 5.0, 50.0


@dataclass(frozen=True)
class Size:
    attempts: int
    tagged: int
    seconds: float


QUICK = Size(attempts=50, tagged=5_000, seconds=5.0)
FULL = Size(attempts=500, tagged=100_000, seconds=20.0)


def run_access(quick: bool, first_address: str) -> tuple[list[Line], dict[str, object]]:
    state, size = Path(tempfile.mkdtemp(prefix="quire-b")), QUICK if quick else FULL
    try:
        with visit(state, 3, "loopback", first_address) as here:
            here.form()
            lines = [
                measured(here, "resources", lambda: resources(here.first, size)),
                measured(here, "sign-ins", lambda: sign_ins(here.first, size)),
                measured(here, "tagged requests", lambda: tagged(here.first, size)),
            ]
    finally:
        shutil.rmtree(state, ignore_errors=True)
    return [line for some in lines for line in some], {"cores": os.cpu_count(), "nodes": 3, "engine": "loopback"}


def measured(here: Visit, what: str, work: Callable[[], list[Line]]) -> list[Line]:
    print(f"bench: {what}", file=sys.stderr)
    with noise(f"QUIRE_DEMO={here.state}") as during:
        lines = work()
    for line in lines:
        line.foreign_share = during.foreign_share
    return lines


def verdict(reached: bool, goal: str) -> str:
    return f"{goal}: {'reached' if reached else 'NOT REACHED'}"


# --- signing in -------------------------------------------------------------------------------------------------------


def sign_ins(node: Visited, size: Size) -> list[Line]:
    """Kinds in turns, so that what else the machine does falls on all of them."""
    client = BlockingClient(Path(node.socket))
    for kind in ("disabled", "wrong"):
        client.call(ask.UserAdd(ROOT, KINDS[kind], password=Secret(PASSWORD), enable=kind != "disabled"))
    took: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for _ in range(size.attempts):
        for kind, user in KINDS.items():
            given = PASSWORD if kind == "disabled" else "another"
            began = time.perf_counter()
            try:
                client.call(Login(user, Secret(given)), 60)
            except Unauthenticated:
                took[kind].append((time.perf_counter() - began) * 1000)
    means = {kind: statistics.fmean(values) for kind, values in took.items()}
    apart = max(means.values()) - min(means.values())
    lines = [
        Line(f"sign-in refused, {kind}: mean of {len(values)}", value=means[kind], unit="ms")
        for kind, values in took.items()
    ]
    goal = verdict(apart < DIFFERENCE_MS, f"< {DIFFERENCE_MS:g} ms")
    return [*lines, Line("greatest difference of their means", value=apart, unit="ms", verdicts=[goal])]


# --- asking -----------------------------------------------------------------------------------------------------------


class Connection:
    """A connection that stays open, as a client with many questions has it."""

    def __init__(self, node: Visited, headers: dict[str, str]) -> None:
        where = urllib.parse.urlsplit(node.url)
        self._line = http.client.HTTPSConnection(where.hostname or "", where.port, context=TRUSTING, timeout=60)
        self._headers = headers

    def get(self, path: str) -> Any:
        self._line.request("GET", f"/api2/json{path}", headers=self._headers)
        answer = self._line.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {answer.reason}")
        return json.loads(body)["data"]


def tagged(node: Visited, size: Size) -> list[Line]:
    """Every question has a number of its own that its answer repeats; now and then a user asks who they are."""
    client = BlockingClient(Path(node.socket))
    tokens = {}
    for number in range(USERS):
        user = f"user{number}@pve"
        client.call(ask.UserAdd(ROOT, user))
        tokens[user] = client.call(ask.TokenAdd(ROOT, user, f"t{number}", privsep=False))["value"]

    def many(number: int) -> int:
        user = f"user{number}@pve"
        line, crossed = Connection(node, {"Authorization": f"PVEAPIToken={user}!t{number}={tokens[user]}"}), 0
        for count in range(size.tagged // USERS):
            if count % 10 == 9:
                crossed += [row["tokenid"] for row in line.get(f"/access/users/{user}/token")] != [f"t{number}"]
            else:
                tag = 1000 + number * 10_000 + count
                crossed += int(line.get(f"/cluster/nextid?vmid={tag}")) != tag
        return crossed

    began = time.monotonic()
    with ThreadPoolExecutor(USERS) as pool:
        crossed = sum(pool.map(many, range(USERS)))
    rate = size.tagged / (time.monotonic() - began)
    name = f"answers crossed of {size.tagged} to {USERS} users at once, {rate:.0f}/s"
    return [Line(name, value=float(crossed), verdicts=[verdict(crossed == 0, "none")])]


def resources(node: Visited, size: Size) -> list[Line]:
    """Sent at their time whether earlier ones are answered or not; a late answer counts from when it was due."""
    lines = [Connection(node, node.headers) for _ in range(ASKING)]
    for line in lines:
        line.get("/cluster/resources")
    began = time.perf_counter() + 0.1

    def every(place: int) -> list[float]:
        took = []
        for count in range(place, int(RATE * size.seconds), ASKING):
            due = began + count / RATE
            time.sleep(max(0.0, due - time.perf_counter()))
            lines[place].get("/cluster/resources")
            took.append((time.perf_counter() - due) * 1000)
        return took

    with ThreadPoolExecutor(ASKING) as pool:
        took = sorted(each for some in pool.map(every, range(ASKING)) for each in some)
    p99 = took[int(len(took) * 0.99)]
    told = {"n": len(took), "p50_ms": took[len(took) // 2], "p99_ms": p99, "rate": RATE}
    return [Line("/cluster/resources", told, verdicts=[verdict(p99 < RESOURCES_MS, f"p99 < {RESOURCES_MS:g} ms")])]
