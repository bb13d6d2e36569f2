"""Asks a directory server whether a password is right, by binding as the user. For a thread: it waits, within bounds.

An LDAP realm finds the user's entry first (with the realm's own bind, if it has one); an Active Directory realm binds
as `name@domain`. Servers are tried in turn. What a realm's settings are called is `cluster/access/domains.py`.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ldap3

TIMEOUT_S = 5
MODES = ("ldap", "ldaps", "ldap+starttls")

log = logging.getLogger(__name__)

Settings = Mapping[str, str]


def secret_path(realm: str) -> str:
    """Where the realm's own bind password lies in the tree."""
    return f"priv/realm/{realm}.pw"


def is_right(settings: Settings, kind: str, secret: bytes, name: str, password: str) -> bool:
    """An empty password would bind as nobody, and be right for everybody: the caller has refused it."""
    from ldap3.core.exceptions import LDAPException  # ldap3 is loaded where a realm needs it

    for server in _servers(settings):
        try:
            if kind == "ad":
                return _binds(server, settings, f"{name}@{settings['domain']}", password)
            entry = _entry(server, settings, secret, name)
            return entry is not None and _binds(server, settings, entry, password)
        except LDAPException as error:
            log.warning("A directory server could not be asked: %s: %s", server.host, type(error).__name__)
    return False


def _servers(settings: Settings) -> list[ldap3.Server]:
    import ldap3

    mode = _mode(settings)
    port = int(settings.get("port") or (636 if mode == "ldaps" else 389))
    required = ssl.CERT_REQUIRED if settings.get("verify", "0") not in ("0", "") else ssl.CERT_NONE
    tls = ldap3.Tls(validate=required, version=ssl.PROTOCOL_TLS_CLIENT, ca_certs_file=settings.get("capath"))
    hosts = [settings[key] for key in ("server1", "server2") if settings.get(key)]
    return [
        ldap3.Server(host, port, use_ssl=mode == "ldaps", tls=tls, connect_timeout=TIMEOUT_S, get_info=ldap3.NONE)
        for host in hosts
    ]


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
