"""The services a cluster leans on, and whether they run: read from unit files, control groups and the process table.

systemd is not asked: it may not run here (in a container, in the lab), and nothing has to be started to look.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

UNITS = (
    Path("/etc/systemd/system"),
    Path("/run/systemd/system"),
    Path("/usr/lib/systemd/system"),
    Path("/lib/systemd/system"),
)
GROUPS = Path("/sys/fs/cgroup")
DISABLED, ENABLED, STATIC, MASKED, MISSING = "disabled", "enabled", "static", "masked", "not-found"

# the name by which clients know it, the unit, the program whose process it is
KNOWN = (
    ("chrony", "chrony", "chronyd"),
    ("corosync", "corosync", "corosync"),
    ("corosync-qdevice", "corosync-qdevice", "corosync-qdevice"),
    ("cron", "cron", "cron"),
    ("postfix", "postfix", "master"),
    ("quire", "quire", "quire"),
    ("redis", "redis-server", "redis-server"),
    ("sshd", "ssh", "sshd"),
    ("systemd-journald", "systemd-journald", "systemd-journal"),
    ("systemd-timesyncd", "systemd-timesyncd", "systemd-timesyn"),
)


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit file: what it says it is, and whether it starts with the system."""

    description: str
    state: str


def list_services(units: Iterable[Path] = UNITS, groups: Path = GROUPS) -> list[dict[str, Any]]:
    """Rows for GET /nodes/{node}/services, by name."""
    running = {process.info["name"] for process in psutil.process_iter(["name"])}
    rows = []
    for service, unit_name, program in KNOWN:
        unit = find_unit(f"{unit_name}.service", tuple(units))
        active = program in running or _has_processes(groups / "system.slice" / f"{unit_name}.service")
        rows.append(
            {
                "name": service,
                "service": unit_name,
                "desc": unit.description or service,
                "state": "running" if active else "dead",
                "active-state": "active" if active else "inactive",
                "unit-state": unit.state,
            }
        )
    return rows


def find_unit(name: str, folders: tuple[Path, ...]) -> Unit:
    for folder in folders:
        path = folder / name
        if path.is_symlink() and str(path.readlink()) == "/dev/null":
            return Unit("", MASKED)
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        described = (line.partition("=")[2].strip() for line in text.splitlines() if line.startswith("Description="))
        if any(wanting.name == name for folder in folders for wanting in folder.glob(f"*.wants/{name}")):
            state = ENABLED
        else:
            state = DISABLED if "[Install]" in text else STATIC
        return Unit(next(described, ""), state)
    return Unit("", MISSING)


def _has_processes(group: Path) -> bool:
    try:
        return bool((group / "cgroup.procs").read_text().strip())
    except OSError:
        return False
