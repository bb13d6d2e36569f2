"""This host's journal, in lines: journald's where it runs, else the text log that the host's syslog keeps.

journald keeps its entries in a form of its own, which its own program reads best: that is run with fixed arguments,
and bounded in time and size. Nothing of ours is logged here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

from cluster.control.node_requests import HostJournal
from cluster.errors import InvalidInput, Unavailable
from cluster.node.services import KNOWN

JOURNAL_FOLDERS = (Path("/run/log/journal"), Path("/var/log/journal"))
SYSLOG = Path("/var/log/syslog")
LINES_MAX = 5000
TEXT_BYTES_MAX = 2 << 20
DEADLINE_S = 10.0


def read(asked: HostJournal) -> dict[str, object]:
    """`{lines, total}`. Raises InvalidInput, Unavailable."""
    unit = _unit(asked.service)
    if asked.since is not None and asked.until is not None and asked.since > asked.until:
        raise InvalidInput("The time asked for ends before it begins.", fields={"until": "is before since"})
    program = shutil.which("journalctl")
    if program is not None and any(folder.exists() for folder in JOURNAL_FOLDERS):
        lines = _ask(program, asked, unit)
    elif SYSLOG.exists():
        lines = [line for line in _tail(SYSLOG) if unit is None or f" {unit}[" in line]
    else:
        raise Unavailable("This host keeps no journal: neither journald nor a syslog writes one here.")
    if asked.last is not None:
        return {"lines": lines[-asked.last :] if asked.last else [], "total": len(lines)}
    return {"lines": lines[asked.start :][: asked.limit or LINES_MAX], "total": len(lines)}


def _unit(service: str | None) -> str | None:
    if service is None:
        return None
    found = next((unit for name, unit, _program in KNOWN if service in (name, unit)), None)
    if found is None:
        raise InvalidInput("There is no such service here.", fields={"service": "is not a service of this list"})
    return found


def _ask(program: str, asked: HostJournal, unit: str | None) -> list[str]:
    words = [program, "--no-pager", "--quiet", "--output=short-iso", f"--lines={LINES_MAX}"]
    words += [f"--since={_when(asked.since)}"] if asked.since is not None else []
    words += [f"--until={_when(asked.until)}"] if asked.until is not None else []
    words += [f"--unit={unit}"] if unit is not None else []
    try:
        ran = subprocess.run(words, capture_output=True, timeout=DEADLINE_S, stdin=subprocess.DEVNULL, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"The journal cannot be read: {type(error).__name__}.") from None
    if ran.returncode:
        raise Unavailable("The journal cannot be read: " + ran.stderr.decode(errors="replace")[:200].strip())
    return _lines(ran.stdout)


def _tail(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TEXT_BYTES_MAX))
            text = file.read(TEXT_BYTES_MAX)
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}.") from None
    return _lines(text)


def _lines(text: bytes) -> list[str]:
    return text[-TEXT_BYTES_MAX:].decode(errors="replace").splitlines()[-LINES_MAX:]


def _when(time_s: int) -> str:
    return datetime.fromtimestamp(time_s).strftime("%Y-%m-%d %H:%M:%S")
