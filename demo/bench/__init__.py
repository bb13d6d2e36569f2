"""`script/bench store`: the store on three corosync nodes, beside etcd on the same nodes and the floors of the machine.

`store.py` is the run and says what is measured in which order; `load.py` is the generator of load, run inside a node;
`disks.py`, `peers.py` and `floors.py` make what is compared; `goals.py` says what is to be reached.
"""
