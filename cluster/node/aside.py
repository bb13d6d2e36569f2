"""corosync's two files on this host, and what lay there before a workflow changed them.

What is replaced is kept aside durably first, once, so that taking a workflow back puts the very same bytes and modes
back, or removes the files where there were none, even after `kill -9`. Knows nothing of what the files mean.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

CONFIGURATION_MODE, KEY_MODE = 0o644, 0o400


@dataclass(frozen=True, slots=True)
class LocalFiles:
    """`directory` holds corosync.conf and authkey; `aside` holds what they were."""

    directory: Path
    aside: Path

    @property
    def configuration(self) -> Path:
        return self.directory / "corosync.conf"

    @property
    def key(self) -> Path:
        return self.directory / "authkey"

    def install(self, conf: bytes, key: bytes) -> None:
        self._keep_aside()
        self.directory.mkdir(parents=True, exist_ok=True)
        write_durably(self.key, key, KEY_MODE)
        write_durably(self.configuration, conf, CONFIGURATION_MODE)

    def remove(self) -> None:
        """Neither file is there any more; what they were is kept aside."""
        self._keep_aside()
        for target in (self.configuration, self.key):
            target.unlink(missing_ok=True)

    def restore(self) -> None:
        """Put back what was kept aside; nothing kept, nothing done."""
        manifest = self.aside / "manifest.json"
        if not manifest.exists():
            return
        modes: dict[str, int | None] = json.loads(manifest.read_bytes())
        for target in (self.configuration, self.key):
            mode = modes.get(target.name)
            if mode is None:
                target.unlink(missing_ok=True)
            else:
                write_durably(target, (self.aside / target.name).read_bytes(), mode)
        self.forget()

    def forget(self) -> None:
        """The change stays: what was kept aside is no longer needed."""
        (self.aside / "manifest.json").unlink(missing_ok=True)
        shutil.rmtree(self.aside, ignore_errors=True)

    def _keep_aside(self) -> None:
        manifest = self.aside / "manifest.json"
        if manifest.exists():
            return
        shutil.rmtree(self.aside, ignore_errors=True)
        self.aside.mkdir(parents=True, mode=0o700)
        modes: dict[str, int | None] = {}
        for source in (self.configuration, self.key):
            modes[source.name] = source.stat().st_mode & 0o777 if source.exists() else None
            if source.exists():
                write_durably(self.aside / source.name, source.read_bytes(), 0o600)
        write_durably(manifest, json.dumps(modes).encode(), 0o600)


def write_durably(path: Path, data: bytes, mode: int, group_id: int | None = None) -> None:
    """Replace a file at once or not at all, on disk when this returns (rename(2), fsync(2) of file and directory)."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if group_id is not None:
                os.fchown(file.fileno(), -1, group_id)
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
