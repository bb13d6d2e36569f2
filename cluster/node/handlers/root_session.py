"""The request by which root on this host gets a ticket of root@pam, to ask this node's site as any client does.

The control socket serves the web process too, which must not have one: so the ticket lies in the folder that only root
can open, until it is read, and a minute at most.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cluster.control.conversation import Handler
from cluster.control.node_requests import RootSession
from cluster.control.requests import Request
from cluster.errors import Unavailable
from cluster.node.access import tickets

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

LEFT_LYING_S = 60
USER = "root@pam"


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    folder = node.options.state_dir / "sessions"

    async def root_session(request: RootSession) -> Any:
        if not node.served.fingerprint:
            raise Unavailable("This node's site has no certificate yet. Try again in a moment.")
        now_s = time.time()
        session = {
            "ticket": node.keys.tickets().issue(USER, node.access.sessions.issue_at_s(USER)),
            "CSRFPreventionToken": tickets.issue_csrf_token(node.keys.csrf(), USER, now_s),
        }
        return {
            "file": str(await asyncio.to_thread(_leave, folder, json.dumps(session), now_s)),
            "address": node.options.address,
            "port": node.options.port,
            "fingerprint": node.served.fingerprint,
        }

    return {RootSession: root_session}


def _leave(folder: Path, text: str, now_s: float) -> Path:
    """Put it where root finds it; what nobody fetched goes."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for left in folder.iterdir():
        if left.stat().st_mtime < now_s - LEFT_LYING_S:
            left.unlink(missing_ok=True)
    path = folder / secrets.token_hex(8)
    with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
        file.write(text)
    return path
