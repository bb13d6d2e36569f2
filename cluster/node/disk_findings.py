"""What `pvecm check` says of this node's disk and copy of the store: how much room, what trouble, what was set aside.

Facts are read here, and nothing is changed. What mends a store is `recovery.py`.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from cluster.core.findings import Finding
from cluster.store import quarantine

LOW_SHARE, LOW_BYTES, SCARCE_BYTES = 0.05, 1 << 30, 64 << 20


def findings(store: Path, trouble: str) -> list[Finding]:
    found = [Finding("disk", "error", trouble) if trouble else _room(store.parent)]
    aside = quarantine.listed(store)
    if aside:
        newest = aside[0]
        found.append(
            Finding(
                "quarantine",
                "warning",
                f"{len(aside)} {'copy' if len(aside) == 1 else 'copies'} of the store could not be trusted and were set"
                f" aside in {quarantine.folder_of(store)}; the last one because: {newest.reason} Look at the disk, and"
                " remove them when they are needed no longer.",
            )
        )
    return found


def _room(folder: Path) -> Finding:
    usage = shutil.disk_usage(folder)
    free = f"The disk with {folder} has {usage.free >> 20} MiB free"
    if usage.free < SCARCE_BYTES:
        return Finding("disk", "warning", f"{free}. Make room: when it is full, this node becomes read-only.")
    if usage.free < min(LOW_BYTES, LOW_SHARE * usage.total):
        return Finding("disk", "warning", f"{free}, which is little of its {usage.total >> 20} MiB. Make room in time.")
    return Finding("disk", "ok", f"{free}.")
