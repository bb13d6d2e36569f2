"""This node's own files: what it keeps for itself in the tree, and what it copies from the tree to this host's disk.

Into the tree: missing keys and certificates, as soon as it can be written. Out of it: corosync.conf and corosync's key
to where corosync reads them, the certificate to where the web process finds it. While a workflow changes what the node
is, it does neither.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from cluster.core.effects import Committed
from cluster.core.machine import CONFIGURATION
from cluster.corosync import conf
from cluster.errors import QuireError, Unavailable
from cluster.node import first_start
from cluster.node.aside import write_durably
from cluster.node.certificates import fingerprint
from cluster.node.key_rotation import KeyRotation
from cluster.node.life import Life
from cluster.node.operations import writes
from cluster.node.options import Options
from cluster.node.rereading import Rereading
from cluster.node.tls import GRACE_S, ServedCertificate
from cluster.workflow import tombstone

LOOK_AGAIN_S, FIRST_LOOK_S = 5.0, 0.05

log = logging.getLogger(__name__)


class OwnFiles:
    """`busy` tells whether a workflow is changing what the node is, `renamed` its new name before it takes it."""

    def __init__(
        self,
        options: Options,
        life: Life,
        served: ServedCertificate,
        busy: Callable[[], bool],
        renamed: Callable[[], str],
    ) -> None:
        self._renamed = renamed
        self._options, self._life, self._served, self._busy = options, life, served, busy
        self._key = KeyRotation(options.name, options.authkey, life, busy)
        self._rereading = Rereading(options.name, life)

    async def watch(self) -> None:
        """For ever: make what is missing, and see to the corosync key and to what the engine has read."""
        await asyncio.gather(self._watch(), self._key.watch(), self._rereading.watch())

    async def _watch(self) -> None:
        while True:
            if self._life.replica.writable and not self._busy():
                try:
                    await self._write_missing()
                except QuireError as error:
                    log.warning("This node's own files could not be written: %s", error.message)
            await asyncio.sleep(LOOK_AGAIN_S if self._served.fingerprint else FIRST_LOOK_S)

    def committed(self, changes: tuple[Committed, ...], whole: bool) -> bool:
        """Copy what concerns this host; returns whether corosync.conf was among it."""
        paths = {change.path for one in changes if one.applied is not None for change in one.applied.paths}
        configuration = whole or CONFIGURATION in paths
        if configuration:
            self._copy_configuration()
        if (configuration or tombstone.KEY in paths) and not self._busy():
            self._key.install()
        if whole or any(path.startswith(f"nodes/{self._options.name}/") for path in paths):
            self.serve_stored_certificate()
        return configuration

    def serve_stored_certificate(self) -> None:
        pair = self._stored_certificate()
        if pair is not None and not self._busy():
            self._served.serve(*pair)

    def serve_renewed_certificate(self) -> str:
        """Serve what the tree holds now, after the grace delay; returns its fingerprint."""
        pair = self._stored_certificate()
        if pair is None:
            raise Unavailable("The new certificate is not in the store.")
        self._served.serve(*pair, after_s=GRACE_S)
        return fingerprint(pair[0])

    def _stored_certificate(self) -> tuple[bytes, bytes] | None:
        certificate, key = (self._life.tree.read(path) for path in first_start.certificate_paths(self._options.name))
        return (certificate, key) if certificate is not None and key is not None else None

    async def _write_missing(self) -> None:
        tree, name, address = self._life.tree, self._options.name, self._options.address
        text = tree.read(CONFIGURATION)
        if text is not None and not _names(text, name):
            return  # it was taken out: what it had is archived, and it makes nothing new there
        files = first_start.shared_files(tree)
        files.update(first_start.node_files(tree, name, address, time.time(), pending=files))
        if files:
            await self._life.driver.propose(writes(files), user="root@pam", door="node")

    def _copy_configuration(self) -> None:
        """The committed corosync.conf, to where corosync reads it; never a lower version than lies there."""
        text, target = self._life.tree.read(CONFIGURATION), self._options.configuration
        if text is None or not target.exists():
            return
        if not _names(text, self._options.name) and not self._renamed():
            return  # this node is being taken out; its engine would refuse a configuration without it
        on_disk = target.read_bytes()
        if text != on_disk and _version(text) >= _version(on_disk) > 0:
            write_durably(target, text, 0o644)


def _version(text: bytes) -> int:
    try:
        return conf.parse(text).config_version
    except QuireError:
        return 0


def _names(text: bytes, node: str) -> bool:
    try:
        return conf.parse(text).node(node) is not None
    except QuireError:
        return True
