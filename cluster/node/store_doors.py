"""What requests about the store have in common: who may see and change what, and how a change is proposed.

Private keys, `priv/` and `nodes/*/priv/` are for root@pam; so is changing anything but the options, which have a
privilege of their own (`cluster/node/access/needs.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cluster.control.requests import StoreConflictRestore, StoreRestore, StoreWrite
from cluster.core.machine import CONFIGURATION
from cluster.core.operations import Remove, Write
from cluster.core.tree import AnyOperation
from cluster.corosync import conf
from cluster.errors import Forbidden, InvalidInput, QuireError
from cluster.store import syntax
from cluster.store.mount.attributes import is_private

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

ROOT = "root@pam"
DOORS = ("api", "cli", "page")


def sees(user: str, path: str) -> bool:
    path = clean(path)
    return user == ROOT or not (is_private(path) or path.endswith(".key"))


def may_see(user: str, path: str) -> None:
    """Raises Forbidden."""
    if not sees(user, path):
        raise Forbidden(f"{clean(path)} is for {ROOT} only.")


def may_change(user: str) -> None:
    """Raises Forbidden."""
    if user != ROOT:
        raise Forbidden(f"Only {ROOT} may change the configuration.")


def clean(path: str) -> str:
    return "/".join(part for part in path.split("/") if part)


async def checked(node: Daemon, path: str, data: bytes) -> dict[str, Any]:
    """The result of StoreCheck."""
    if clean(path) != CONFIGURATION:
        findings = [{"line": one.line, "sentence": one.sentence} for one in syntax.check(clean(path), data)]
        return {"grammar": syntax.kind_of(clean(path)), "errors": findings, "warnings": []}
    active = node.document()
    try:
        document = conf.parse(data)
        if active is not None and document.config_version <= active.config_version:
            raise InvalidInput(
                f"config_version must be greater than the active one, {active.config_version}: otherwise no node"
                " takes this configuration."
            )
        verified = conf.verify(document, current_version=active.config_version if active is not None else 0)
    except QuireError as error:
        return {"grammar": CONFIGURATION, "errors": [{"line": 0, "sentence": error.message}], "warnings": []}
    errors = list(verified.errors)
    refusal = "" if errors else await node.underlay.check(data)
    if refusal:
        errors.append(f"corosync would not take this configuration: {refusal}")
    return {
        "grammar": CONFIGURATION,
        "errors": [{"line": 0, "sentence": sentence} for sentence in errors],
        "warnings": [{"line": 0, "sentence": sentence} for sentence in verified.warnings],
    }


async def propose(
    node: Daemon, operations: Sequence[AnyOperation], request: StoreWrite | StoreRestore | StoreConflictRestore
) -> list[int]:
    """Make the change; returns its revision. A new corosync.conf is also made known to corosync."""
    if request.door not in DOORS:
        raise InvalidInput(f"{request.door} is not a door to the store.")
    revision = await node.life.driver.propose(
        operations,
        user=request.user,
        door=request.door,
        request_id=request.request_id,
        timeout_s=request.timeout_s,
    )
    written = {clean(one.path) for one in operations if isinstance(one, Write | Remove)}
    if CONFIGURATION in written and node.document() is not None:
        await node.host.activate_configuration()
    return [revision.epoch, revision.index]
