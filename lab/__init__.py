"""Hosts on one machine: network namespaces with their own disks and host names, real corosync, and faults on purpose.

    lab = Lab("demo")                     # alpha, beta, gamma
    lab.up(links=2, management=True)
    subprocess.run([*lab.enter("alpha"), "corosync-quorumtool", "-s"])
    faults.cut(lab, ["alpha"], ["beta", "gamma"])
    lab.down()

`hosts.py` makes and removes nodes, `faults.py` disturbs them, `corosync.py` runs a bare corosync in them, and
`python -m lab` offers all of it on the command line. Knows nothing of Quire. Needs root, iproute2, util-linux.
"""

from lab.hosts import Lab
from lab.kernel import LabError

__all__ = ["Lab", "LabError"]
