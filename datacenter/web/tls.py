"""TLS for the web server, with certificate files that may change while it runs.

A node's certificate changes when it joins a cluster and when it is renewed. Each new connection looks at the two files'
times and reads them again when they moved; open connections keep what they began with. Files that cannot be used leave
the certificate before in place, and say so once in the log.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from zope.interface import implementer

from cluster.errors import Unavailable

logger = logging.getLogger(__name__)

# TLS 1.2 with forward secrecy and authenticated encryption; TLS 1.3 has nothing else.
CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!PSK"
OPTIONS = SSL.OP_NO_COMPRESSION | SSL.OP_CIPHER_SERVER_PREFERENCE | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_TICKET

Stamp = tuple[tuple[int, int, int], ...]


@implementer(IOpenSSLServerConnectionCreator)
class CertificateFiles:
    """Makes the server side of TLS connections from a certificate chain and its key, both PEM files."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self.certificate = certificate
        self.key = key
        self._stamp = self._stamp_now()
        self._refused: Stamp | None = None
        try:
            self._context = _context(certificate, key)
        except (SSL.Error, OSError) as error:
            raise Unavailable(f"the certificate in {certificate} cannot be used: {_words(error)}") from None

    def serverConnectionForTLS(self, protocol: object) -> SSL.Connection:  # noqa: N802  (Twisted's name)
        self.reload_if_changed()
        return SSL.Connection(self._context, None)

    def reload_if_changed(self) -> bool:
        """Read the files again when they changed. True when the new ones are in use."""
        try:
            stamp = self._stamp_now()
        except Unavailable:
            return False  # being replaced this moment, or gone: what is in memory stays good
        if stamp in (self._stamp, self._refused):
            return False
        try:
            context = _context(self.certificate, self.key)
        except (SSL.Error, OSError) as error:
            self._refused = stamp
            logger.warning("keeping the former certificate; %s cannot be used: %s", self.certificate, _words(error))
            return False
        self._context, self._stamp, self._refused = context, stamp, None
        return True

    def _stamp_now(self) -> Stamp:
        try:
            seen = [os.stat(path) for path in (self.certificate, self.key)]
        except OSError as error:
            raise Unavailable(f"the certificate cannot be read: {error}") from None
        return tuple((status.st_mtime_ns, status.st_ino, status.st_size) for status in seen)


def _context(certificate: Path, key: Path) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(OPTIONS)
    context.set_cipher_list(CIPHERS)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.use_certificate_chain_file(str(certificate))
    context.use_privatekey_file(str(key))
    context.check_privatekey()  # raises when the two do not belong together: half of a replacement was seen
    context.set_alpn_select_callback(_choose_http11)
    return context


def _choose_http11(_connection: SSL.Connection, offered: list[bytes]) -> Any:
    return b"http/1.1" if b"http/1.1" in offered else SSL.NO_OVERLAPPING_PROTOCOLS


def _words(error: Exception) -> str:
    """OpenSSL's errors are lists of triples; the last part of each is for people."""
    if isinstance(error, SSL.Error) and error.args and isinstance(error.args[0], list):
        return "; ".join(str(part[-1]) for part in error.args[0]) or "OpenSSL gives no reason"
    return str(error)
