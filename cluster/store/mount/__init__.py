"""The store as a file system at /etc/pve. `session.py` mounts; `serving.py` takes the kernel's requests.

From there: `calls.py` (bytes) → `operations.py`, `writing.py`, `looking.py` (what the file system does). The only place
that speaks FUSE. It knows the store through `door.py`; the store knows nothing of it.
"""

from cluster.store.mount.session import Mount

__all__ = ["Mount"]
