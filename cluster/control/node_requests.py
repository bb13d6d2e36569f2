"""Requests about nodes as machines: where a node is, a call carried to it, and what this host tells of itself.

Like `requests.py`, whose manner and rules hold here too; apart from it so that each fits a reader's head.
"""

from __future__ import annotations

from cluster.control.requests import Request

# --- other nodes ----------------------------------------------------------------------------------------------------


class LocateNode(Request, tag="node.locate"):
    """A committed node by its name, or this one as `localhost`. → {name, local}. Raises NotFound."""

    node: str


class ForwardCall(Request, tag="node.forward"):
    """Carry an API call to another committed node, over TLS pinned to the certificate it announced.
    → {status, reason, content_type, body: bytes}: what it answered. `target` is path and query below /api2/,
    `credentials` the headers that say who asks. Raises NotFound, PeerError with the reason when it cannot be reached,
    FingerprintMismatch, Busy."""

    node: str
    http_method: str
    target: str
    credentials: dict[str, str]
    content_type: str = ""
    body: bytes = b""
