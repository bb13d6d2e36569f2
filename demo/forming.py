"""How long a cluster takes to be made, to grow and to shrink: a stretch of `script/bench`, measured from outside.

A join has two ends: the store is synchronised, and somebody who signs in at the new node sees its page of the cluster.
What is measured beside it, and the table, are `figures.py`.
"""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator

from cluster.control import requests
from cluster.control.blocking import BlockingClient
from demo.visitor import TRUSTING, Refused, Visit, Visited, eventually

Reading = tuple[str, str, list[float]]  # the figure's name, its unit, what was read


def forming(here: Visit) -> Iterator[Reading]:
    began = time.monotonic()
    upid = here.first.post("/cluster/config", clustername="bench")
    eventually("quorate", lambda: quorate(here.first), 60)
    yield "create → quorate", "s", [time.monotonic() - began]
    here.first.task_end(upid)
    yield "create → its task has ended", "s", [time.monotonic() - began]
    joins = [join(here, name) for name in list(here.nodes)[1:]]
    yield "join → quorate and synchronised", "s", [synchronised_s for synchronised_s, _ in joins]
    yield "join → the new node's page usable", "s", [usable_s for _, usable_s in joins]
    yield "remove a live node → gone from all", "s", [remove(here, list(here.nodes)[-1])]


def quorate(node: Visited) -> bool:
    row = node.get("/cluster/status")[0]
    return bool(row["type"] == "cluster" and row["quorate"])


def join(here: Visit, name: str) -> tuple[float, float]:
    """Until the joined node may write and holds the same tree at the same revision as the first; and until its page of
    the cluster is there for somebody who signs in."""
    peer, node = here.peer(), here[name]
    began = time.monotonic()
    asked = {"hostname": peer["pve_addr"], "fingerprint": peer["pve_fp"], "password": here.password}
    upid = node.post("/cluster/config/join", **asked)

    def synchronised() -> bool:
        theirs, ours = store_of(here.first), store_of(node)
        return bool(ours["writable"] and (ours["revision"], ours["digest"]) == (theirs["revision"], theirs["digest"]))

    try:
        eventually(f"{name} is synchronised", synchronised, 90)
    except AssertionError:
        raise AssertionError(f"{name} did not join: {node.sign_in().task_log(upid)}") from None
    synchronised_s = time.monotonic() - began
    eventually(f"the page of {name} shows the cluster", lambda: shows_cluster(node, here.first.name), 90)
    usable_s = time.monotonic() - began
    node.sign_in()
    here.await_online(len(members(here.first)), [here.first, node], 60)
    return synchronised_s, usable_s


def shows_cluster(node: Visited, peer: str) -> bool:
    signed_in = {"Cookie": "=".join(node.browser_cookie())}
    request = urllib.request.Request(f"{node.url}/datacenter/cluster", headers=signed_in)
    with urllib.request.urlopen(request, context=TRUSTING, timeout=10) as answer:
        return f'id="node-row-{peer}"' in answer.read().decode()


def remove(here: Visit, name: str) -> float:
    """From the click until the task has ended and no member has it in its list any more."""
    others = [node for node in here.nodes.values() if node.name != name]
    began = time.monotonic()
    upid = here.first.post(f"/cluster/config/nodes/{name}/removal")
    ended = here.first.task_end(upid)
    assert ended == "OK", f"the removal of {name} ended with {ended}: {here.first.task_log(upid)}"
    eventually(f"{name} is gone from all", lambda: all(name not in members_anew(node) for node in others), 60)
    return time.monotonic() - began


def store_of(node: Visited) -> dict[str, object]:
    """The store as the node sees it, while it is a member; before that, nothing equals it."""
    cluster = BlockingClient(node.socket).call(requests.Status())["cluster"]
    store: dict[str, object] = cluster["store"] or {"writable": False, "revision": None, "digest": None}
    return store if cluster["name"] else store | {"writable": False}


def members_anew(node: Visited) -> list[str]:
    """A removal changes the key of tickets."""
    try:
        return members(node)
    except Refused:
        return members(node.sign_in())


def members(node: Visited) -> list[str]:
    return [row["name"] for row in node.get("/cluster/config/nodes")]
