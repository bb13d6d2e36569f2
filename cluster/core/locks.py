"""Lock directories: an entry `priv/lock/<name>` that is a directory is a lock, held by the node that made it.

Making it takes the lock, removing it releases it, and only the node that wrote it last may refresh its time. Its inode,
the store's version when it was taken, is the *fencing token*: it rises from holder to holder and a refresh leaves it.
When a lock is too old is for somebody with a clock to say (`cluster/node/lock_watch.py`); here it is gone only when
an ordered operation names the very version that was too old.
"""

from __future__ import annotations

FOLDER = ("priv", "lock")


def is_lock(parts: list[str], *, is_dir: bool) -> bool:
    """Is the entry at these components a lock?"""
    return is_dir and len(parts) == 3 and tuple(parts[:2]) == FOLDER
