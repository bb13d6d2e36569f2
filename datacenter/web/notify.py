"""Tells systemd how this service is doing (sd_notify(3)); says nothing where nobody listens."""

from __future__ import annotations

import os
import socket


def notify(state: str) -> None:
    """Send e.g. `READY=1`, `STATUS=…`, `STOPPING=1`. Never raises: a service must not fail because nobody listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.settimeout(1)
            channel.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
    except OSError:
        return
