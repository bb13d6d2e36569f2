"""What a loopback engine has on disk: corosync.conf and authkey, read as corosync reads them, and the ring file."""

from __future__ import annotations

import contextlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cluster.core.quorum import Options
from cluster.corosync import conf
from cluster.engine.quorum_options import quorum_options
from cluster.errors import InvalidInput, Unavailable

AUTHKEY_BYTES_MAX = 4096  # corosync's own keys have 256


@dataclass(frozen=True, slots=True)
class Configuration:
    """What of corosync.conf the engine needs. `key` says which cluster this is, without giving the authkey away."""

    node_id: int
    version: int
    votes: Mapping[int, int]
    links: Mapping[int, Mapping[int, str]]
    options: Options
    key: bytes = field(repr=False)


def read_configuration(conf_path: Path, authkey_path: Path, node: str | int) -> Configuration:
    """Raises `Unavailable` when the files are missing or unusable, or do not know this node."""
    try:
        authkey = _read(authkey_path, AUTHKEY_BYTES_MAX)
        document = conf.parse(_read(conf_path, conf.DOCUMENT_SIZE_MAX))
        nodes = document.nodes()
    except InvalidInput as error:
        raise Unavailable(f"The cluster's configuration cannot be used: {error.message}") from None
    if not authkey:
        raise Unavailable(f"The key of the cluster, {authkey_path}, is empty.")
    node_id = next((found.node_id for found in nodes if node in (found.name, found.node_id)), None)
    if node_id is None:
        raise Unavailable(f"corosync.conf does not know this node ({node}).")
    return Configuration(
        node_id,
        document.config_version,
        {found.node_id: found.votes for found in nodes},
        {found.node_id: {link.number: link.address for link in found.links} for found in nodes},
        quorum_options(document),
        hmac.digest(authkey, document.cluster_name.encode(), "sha256"),
    )


class RingFile:
    """The highest ring sequence this node has seen, so that no later ring of its has a lower one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept = 0

    def read(self) -> int:
        """0 when there is none, or nothing readable."""
        with contextlib.suppress(OSError, ValueError):
            self._kept = max(self._kept, int(self._path.read_bytes()[:20]))
        return self._kept

    def keep(self, sequence: int) -> None:
        """Best effort, as corosync's is: who must not be fooled by an older number keeps one of its own."""
        if sequence <= self._kept:
            return
        self._kept = sequence
        new = self._path.with_name(self._path.name + ".new")
        with contextlib.suppress(OSError):
            new.write_text(f"{sequence}\n")
            os.replace(new, self._path)


def _read(path: Path, size_max: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(size_max + 1)
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}.") from None
    if len(data) > size_max:
        raise Unavailable(f"{path} is larger than {size_max} bytes.")
    return data
