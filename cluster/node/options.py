"""How a node is run: every setting of `runnode`, and the paths that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class WebUser:
    """Whom the site runs as when it is a service of its own: its user id, and the group its few files are given to."""

    user_id: int
    group_id: int


@dataclass(frozen=True, slots=True)
class Options:
    """One node's settings. `engine` is "corosync", "loopback" or "simulated"; `wire_path` matters for loopback only,
    `simulated_nodes`, `simulated_links` and `seed` for a simulated cluster."""

    name: str
    state_dir: Path
    address: str
    engine: str = "corosync"
    port: int = 8006
    socket_path: Path | None = None
    wire_path: Path | None = None
    corosync_dir: Path | None = None
    mount: Path | None = None
    password_hash_file: Path | None = None
    web_user: WebUser | None = None
    scrub_every_s: float = 3600.0
    simulated_nodes: int = 3
    simulated_links: int = 2
    seed: int = 1

    @property
    def socket(self) -> Path:
        return self.socket_path or self.state_dir / "control.sock"

    @property
    def store(self) -> Path:
        return self.state_dir / "store.db"

    @property
    def configuration_dir(self) -> Path:
        default = Path("/etc/corosync") if self.engine == "corosync" else self.state_dir / "corosync"
        return self.corosync_dir or default

    @property
    def configuration(self) -> Path:
        return self.configuration_dir / "corosync.conf"

    @property
    def authkey(self) -> Path:
        return self.configuration_dir / "authkey"

    @property
    def wire(self) -> Path:
        return self.wire_path or self.state_dir / "wire.sock"

    @property
    def tls_dir(self) -> Path:
        return self.state_dir / "tls"

    @property
    def journal(self) -> Path:
        return self.state_dir / "workflow.json"

    @property
    def backup_dir(self) -> Path:
        return self.state_dir / "backup"
