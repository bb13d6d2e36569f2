"""What a pretended cluster looks like at its beginning: its nodes, its corosync.conf, and the store that holds it. Pure
but for `write_store`, which makes this node's own store that of the cluster's first node.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from cluster.core.machine import CONFIGURATION
from cluster.core.snapshot import Snapshot
from cluster.core.tree import Entry
from cluster.corosync import conf
from cluster.model import Link, Node
from cluster.store import disk as store
from cluster.store import lineage as lineages
from cluster.store.base import first_point

NODES_MAX = 64
LETTERS = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda",
    "mu", "nu", "xi", "omicron", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
)  # fmt: skip
CLUSTER = "simulated"
LINEAGE = "simulated-cluster"
FIRST_VERSION = 2
KEY_BYTES = 256


def names(own: str, count: int) -> list[str]:
    """This node first, then Greek letters, then numbers."""
    others = [letter for letter in LETTERS if letter != own]
    return [own, *others, *(f"node-{number}" for number in range(len(others) + 2, NODES_MAX + 1))][:count]


def nodes(own: str, count: int, links: int = 2) -> list[Node]:
    """With so many links each. The addresses are of the loopback network and nobody listens there."""
    return [
        Node(name, node_id, 1, tuple(Link(link, f"127.101.{link}.{node_id}") for link in range(links)))
        for node_id, name in enumerate(names(own, count), 1)
    ]


def configuration(listed: list[Node]) -> bytes:
    document = conf.new(CLUSTER, listed[0])
    for node in listed[1:]:
        document = conf.add_node(document, node)
    return conf.render(document).encode()


def snapshot(listed: list[Node], text: bytes) -> Snapshot:
    """The cluster's store before its first write."""
    entries = (Entry(2, 0, CONFIGURATION, FIRST_VERSION, 0, 0, text, FIRST_VERSION),)
    votes = {node.node_id: node.votes for node in listed}
    return Snapshot(first_point(LINEAGE), FIRST_VERSION, 0, entries, votes)


def write_store(path: Path, configuration_dir: Path, listed: list[Node], seed: int) -> None:
    """This node's store, key and configuration, unless they are there from an earlier run."""
    if path.exists():
        return
    text = configuration(listed)
    store.create(path, LINEAGE, listed[0].node_id, 1)
    lineages.begin(path, LINEAGE, listed[0].node_id, snapshot(listed, text))
    configuration_dir.mkdir(parents=True, exist_ok=True)
    (configuration_dir / "corosync.conf").write_bytes(text)
    key = hashlib.shake_256(f"simulated {seed}".encode()).digest(KEY_BYTES)
    with open(os.open(configuration_dir / "authkey", os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(key)
