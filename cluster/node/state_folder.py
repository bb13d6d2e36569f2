"""The folder where a node keeps its own state: whose it is, who may pass through it, and that one daemon has it.

The site as a service of its own may pass through to the control socket and to its certificate, and can neither list
the folder nor read what else is in it. What the files are is their owners' business.
"""

from __future__ import annotations

import fcntl
import os
from typing import IO

from cluster.errors import Conflict
from cluster.node.options import Options

PRIVATE_MODE = 0o750
PASSAGE_MODE = 0o710


def claim(options: Options) -> IO[str]:
    """Make the folder and take it for this daemon, as long as the returned file is open. Raises Conflict."""
    folder = options.state_dir
    folder.mkdir(parents=True, mode=PRIVATE_MODE, exist_ok=True)
    lock = os.fdopen(os.open(folder / ".lock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600), "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise Conflict(f"Another daemon runs on {folder}.") from None
    if options.web_user is not None:
        os.chown(folder, -1, options.web_user.group_id)
        os.chmod(folder, PASSAGE_MODE)
    return lock
