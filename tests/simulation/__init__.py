"""A whole cluster in one process and one seed: the real replicas, a pretended network, disks and clock.

`network.py` orders messages as corosync does, `world.py` runs processes and clients, `nemesis.py` breaks things,
`judge.py` looks on and knows what must never happen. `python -m tests.simulation SEED` tells the story of one seed.
"""
