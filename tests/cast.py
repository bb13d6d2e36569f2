"""The cast every test shares: nodes alpha, beta, gamma and users Alice, Bob, Charlie."""

from cluster.model import Link, Node

ALPHA = Node("alpha", 1, 1, (Link(0, "10.0.0.1"),))
BETA = Node("beta", 2, 1, (Link(0, "10.0.0.2"),))
GAMMA = Node("gamma", 3, 1, (Link(0, "10.0.0.3"),))
NODES = (ALPHA, BETA, GAMMA)
ALICE, BOB, CHARLIE = "alice@pve", "bob@pve", "charlie@pve"
