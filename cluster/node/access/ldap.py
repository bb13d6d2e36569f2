"""Asks a directory server whether a password is right, by binding as the user. For a thread: it waits, within bounds.

An LDAP realm finds the user's entry first (with the realm's own bind, if it has one); an Active Directory realm binds
as `name@domain`. Servers are tried in turn. Over TLS a server's certificate and name are checked, unless the realm says
`verify 0`. What a realm's settings are called is `cluster/access/domains.py`.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ldap3

TIMEOUT_S = 5
SHARED = "/etc/pve/"  # what lies there all nodes have; it is read from the store, not through the mount
MODES = ("ldap", "ldaps", "ldap+starttls")

log = logging.getLogger(__name__)

Settings = Mapping[str, str]


def authorities_path(settings: Settings) -> str:
    """Where in the tree the certificates lie that the realm trusts; empty when they are the host's own files."""
    path = settings.get("capath", "")
    return path.removeprefix(SHARED) if path.startswith(SHARED) else ""


def secret_path(realm: str) -> str:
    """Where the realm's own bind password lies in the tree."""
    return f"priv/realm/{realm}.pw"


def is_right(
    settings: Settings, kind: str, secret: bytes, name: str, password: str, authorities: bytes | None = None
) -> bool:
    """`authorities` is the content of `authorities_path`. An empty password would bind as nobody, and be right for
    everybody: the caller has refused it."""
    from ldap3.core.exceptions import LDAPException  # ldap3 is loaded where a realm needs it

    try:
        servers = _servers(settings, authorities)
    except (LDAPException, UnicodeDecodeError):
        log.warning("The certificates that the realm of %s trusts are not there.", settings.get("server1"))
        return False
    for server in servers:
        try:
            if kind == "ad":
                return _binds(server, settings, f"{name}@{settings['domain']}", password)
            entry = _entry(server, settings, secret, name)
            return entry is not None and _binds(server, settings, entry, password)
        except LDAPException as error:
            log.warning("A directory server could not be asked: %s: %s", server.host, _why(error))
    return False


def _why(error: Exception) -> str:
    """The kind of error alone, for its text may hold what was sent; a certificate's fault is told."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error) or "certificate" in str(error):
        return "its certificate is not one the realm trusts for this name; see `capath` and `verify`"
    return type(error).__name__


def _servers(settings: Settings, authorities: bytes | None) -> list[ldap3.Server]:
    import ldap3

    mode = _mode(settings)
    port = int(settings.get("port") or (636 if mode == "ldaps" else 389))
    tls = ldap3.Tls(version=ssl.PROTOCOL_TLS_CLIENT, **_trust(settings, authorities)) if mode != "ldap" else None
    hosts = [settings[key] for key in ("server1", "server2") if settings.get(key)]
    return [
        ldap3.Server(host, port, use_ssl=mode == "ldaps", tls=tls, connect_timeout=TIMEOUT_S, get_info=ldap3.NONE)
        for host in hosts
    ]


def _trust(settings: Settings, authorities: bytes | None) -> dict[str, Any]:
    """What of a certificate is checked, and by which authorities. Raises LDAPException, UnicodeDecodeError."""
    from ldap3.core.exceptions import LDAPSSLConfigurationError

    if settings.get("verify") == "0":
        return {"validate": ssl.CERT_NONE}
    path = settings.get("capath", "")
    if authorities_path(settings):
        if not authorities:
            raise LDAPSSLConfigurationError("there is no such file in the configuration")
        return {"validate": ssl.CERT_REQUIRED, "ca_certs_data": authorities.decode("ascii")}
    return {"validate": ssl.CERT_REQUIRED, "ca_certs_path" if Path(path).is_dir() else "ca_certs_file": path or None}


def _mode(settings: Settings) -> str:
    mode = settings.get("mode") or ("ldaps" if settings.get("secure", "0") != "0" else "ldap")
    return mode if mode in MODES else "ldaps"


def _entry(server: ldap3.Server, settings: Settings, secret: bytes, name: str) -> str | None:
    """The distinguished name of the one entry of that name; None when there is none, or more than one."""
    from ldap3.utils.conv import escape_filter_chars

    bind = settings.get("bind_dn")
    with _connection(server, settings, bind, secret.decode("utf-8", "replace").strip() if bind else None) as found:
        own = f"({settings['user_attr']}={escape_filter_chars(name)})"
        more = settings.get("filter", "")
        wanted = f"(&{own}{more if more.startswith('(') else f'({more})'})" if more else own
        found.search(settings["base_dn"], wanted, attributes=[], size_limit=2, time_limit=TIMEOUT_S)
        entries = [one for one in found.response or () if one.get("type") == "searchResEntry"]
        return str(entries[0]["dn"]) if len(entries) == 1 else None


def _binds(server: ldap3.Server, settings: Settings, who: str, password: str) -> bool:
    import ldap3

    connection = ldap3.Connection(server, who, password, receive_timeout=TIMEOUT_S, read_only=True)
    try:
        if _mode(settings) == "ldap+starttls" and not connection.start_tls():
            return False
        return bool(connection.bind())
    finally:
        connection.unbind()


def _connection(server: ldap3.Server, settings: Settings, who: str | None, secret: str | None) -> ldap3.Connection:
    import ldap3

    first = ldap3.AUTO_BIND_TLS_BEFORE_BIND if _mode(settings) == "ldap+starttls" else ldap3.AUTO_BIND_NO_TLS
    return ldap3.Connection(server, who, secret, auto_bind=first, receive_timeout=TIMEOUT_S, read_only=True)
