"""`pvecm keygen` and `updatecerts`: a corosync key in a file, and this node's certificate.

A key is made here, without the daemon, for whoever sets corosync up by hand; Create makes its own. Waiting for quorum
is bounded, because Proxmox VE's services call `updatecerts` before they start.
"""

from __future__ import annotations

import os
import secrets
import time
from typing import TYPE_CHECKING, Any

from cluster.cli.arguments import DRY_RUN, FORMAT, Command, Parameter, Values
from cluster.cli.output import present, style_of
from cluster.cli.planned import show_plan
from cluster.cli.terminal import complain
from cluster.errors import Conflict, Forbidden, NoQuorum, Unavailable

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient

KEY_BYTES = 256
REQUEST_S = 20.0
QUORUM_S, SAY_EVERY_S, POLL_S = 80.0, 5.0, 0.2


def keygen(values: Values, _daemon: BlockingClient) -> int:
    path = os.path.abspath(values["filename"])
    if os.geteuid() != 0:
        raise Forbidden("Only root may make a corosync key.")
    if os.path.lexists(path):
        raise Conflict(f"{path} is there already; it is not replaced.")
    if values.get("dry-run"):
        return show_plan(
            {"steps": [f"Write a new key of {KEY_BYTES} bytes to {path}, for root alone."]}, style_of(values)
        )
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400), "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}.") from None
    present({"file": path, "bytes": KEY_BYTES}, style_of(values), lambda _: [])
    return 0


def updatecerts(values: Values, daemon: BlockingClient) -> int:
    """Missing quorum is a failure, but none with --silent, which starts services on the day of a power cut."""
    force, silent = bool(values.get("force")), bool(values.get("silent"))
    if values.get("dry-run"):
        step = "Make a new certificate for this node." if force else "Make a certificate for this node if none is fit."
        return show_plan({"steps": [step]}, style_of(values))
    try:
        told = _renewed(daemon, force, silent)
    except (NoQuorum, Unavailable) as error:
        if not silent:
            raise
        complain(error.message)
        return 0
    present(told, style_of(values), lambda said: [] if silent or not said["renewed"] else [said["fingerprint"]])
    return 0


def _renewed(daemon: BlockingClient, force: bool, silent: bool) -> dict[str, Any]:
    """Waits for quorum. Raises NoQuorum after a while, Unavailable."""
    end_s = time.monotonic() + (0.0 if silent else QUORUM_S)
    say_s = 0.0
    while True:
        try:
            told: dict[str, Any] = daemon.call({"method": "node.renew-certificate", "force": force}, REQUEST_S)
            return told
        except NoQuorum:
            now_s = time.monotonic()
            if now_s >= end_s:
                raise
            if now_s >= say_s:
                complain("Waiting for quorum …")
                say_s = now_s + SAY_EVERY_S
        time.sleep(POLL_S)


COMMANDS = (
    Command(
        "keygen",
        "Write a new corosync key to a file.",
        keygen,
        positional=(Parameter("filename", "string", "where; nothing may be there yet"),),
        options=(DRY_RUN, FORMAT),
    ),
    Command(
        "updatecerts",
        "See to this node's certificate: a new one where there is none fit for use.",
        updatecerts,
        options=(
            Parameter("force", "boolean", "a new one in any case"),
            Parameter("silent", "boolean", "without quorum do nothing, and do not fail"),
            Parameter("unmerge-known-hosts", "boolean", "known from Proxmox VE; no ssh keys are merged here"),
            DRY_RUN,
            FORMAT,
        ),
    ),
)
