"""The store as a file system at /etc/pve. `session.py` mounts, `operations.py` answers the kernel.

The only place that imports FUSE. It knows the store through `door.py`; the store knows nothing of it.
"""

from cluster.store.mount.session import Mount

__all__ = ["Mount"]
