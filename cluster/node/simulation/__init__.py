"""A pretended cluster around one real daemon, for trying pages and for pictures: `runnode --engine simulated`.

The daemon, its store and its pages are the real ones; the other nodes are replicas in this process, the network between
them is `cluster/engine/simulated.py`, and loads and faults are drawn from a seed. Nothing outside of this process is
touched. Next: `world.py`.
"""
