"""A whole cluster in one process and one seed: the real replicas, a pretended network, disks and clock.

`run.py` takes a seed from beginning to end. `network.py` orders messages as corosync does, `world.py` has the hosts,
`process.py` the daemon on each; `clients.py`, `requests.py` and `load.py` ask, `administrator.py` adds and removes
nodes, `nemesis.py` breaks things. `judge.py` looks on and asks `properties/` and the checkers of `tests/history`.
`mutants.py` are cores broken on purpose. `python -m tests.simulation SEED` tells the story of one seed.
"""
