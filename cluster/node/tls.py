"""The certificate this node's web port serves: a copy of the tree's, on this host's disk for the web process.

After a join the new certificate is served only after a grace delay, so that pages opened under the former one hear of
it first. The web process notices the files by itself; nothing here knows of it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from cluster.node.aside import write_durably
from cluster.node.certificates import belongs_together, ends_s, fingerprint
from cluster.node.options import WebUser

GRACE_S = 8.0


class ServedCertificate:
    """`directory` holds cert.pem and key.pem, the only secret that `web_user` may read; `changed` is called with each
    newly served fingerprint."""

    def __init__(self, directory: Path, changed: Callable[[str], None], web_user: WebUser | None = None) -> None:
        self.certificate, self.key = directory / "cert.pem", directory / "key.pem"
        self._changed, self._group_id = changed, None if web_user is None else web_user.group_id
        self._later: asyncio.TimerHandle | None = None
        self._read: tuple[tuple[int, int, int], str, float] | None = None

    @property
    def fingerprint(self) -> str:
        """Of the certificate served now; empty before there is one."""
        return self._now()[0]

    @property
    def ends_s(self) -> float | None:
        """When (unix) the certificate served now ends; None before there is one."""
        return self._now()[1]

    def _now(self) -> tuple[str, float | None]:
        """Asked often: the file is read when it differs."""
        try:
            found = self.certificate.stat()
            version = (found.st_ino, found.st_mtime_ns, found.st_size)
            if self._read is None or self._read[0] != version:
                pem = self.certificate.read_bytes()
                self._read = (version, fingerprint(pem), ends_s(pem))
            return self._read[1:]
        except FileNotFoundError:
            return "", None

    def serve(self, certificate: bytes, key: bytes, *, after_s: float = 0.0) -> None:
        """Serve this pair now, or after a delay during which the former one stays."""
        self.stop()
        if after_s > 0 and self.certificate.exists():
            self._later = asyncio.get_running_loop().call_later(after_s, self._write, certificate, key)
        else:
            self._write(certificate, key)

    def stop(self) -> None:
        """Forget a change that is still waiting."""
        if self._later is not None:
            self._later.cancel()
            self._later = None

    def open_to_web(self) -> None:
        """Give the folder and the key to the site's group; they may have been made before there was one."""
        if self._group_id is not None and self.key.exists():
            for path in (self.key.parent, self.key):
                os.chown(path, -1, self._group_id)

    def _write(self, certificate: bytes, key: bytes) -> None:
        self._later = None
        if self.certificate.exists() and self.certificate.read_bytes() == certificate:
            return
        if not belongs_together(certificate, key):
            return
        self.certificate.parent.mkdir(parents=True, mode=0o750, exist_ok=True)
        write_durably(self.key, key, 0o640, self._group_id)
        write_durably(self.certificate, certificate, 0o644)
        self.open_to_web()
        self._changed(fingerprint(certificate))
