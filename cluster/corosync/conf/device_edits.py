"""The quorum device of a corosync.conf: read, put in, taken out. The version stays; who changes raises it.

Corosync has one device at most. With ffsplit it has one vote, for an even number of nodes; with lms it has one vote
less than there are nodes, which corosync reckons itself, so none is written. When which is right is decided in
`cluster/workflow/witness_rule.py`.
"""

from __future__ import annotations

from cluster.corosync.conf.document import Document, Section

ALGORITHMS = ("ffsplit", "lms")


def device_of(document: Document) -> Section | None:
    """The device section that names a model; corosync ignores one without."""
    quorum = document.root.only("quorum")
    device = quorum.only("device") if quorum is not None else None
    return device if device is not None and device.get("model") else None


def with_device(document: Document, host: str, algorithm: str) -> Document:
    """The one device is this witness."""
    net = Section.of({"algorithm": algorithm, "host": host, "tls": "on"})
    device = Section.of({"model": "net"} | ({"votes": "1"} if algorithm == "ffsplit" else {}), [("net", net)])
    return _with(document, (device,))


def without_device(document: Document) -> Document:
    return _with(document, ())


def _with(document: Document, devices: tuple[Section, ...]) -> Document:
    quorum = document.root.only("quorum") or Section()
    return Document(document.root.with_sections("quorum", [quorum.with_sections("device", devices)]))
