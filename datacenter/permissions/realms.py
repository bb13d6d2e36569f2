"""The sheet of realms: where passwords are checked. Which settings a kind of realm has is the API's to say."""

from __future__ import annotations

from typing import Any

from datacenter.api import inside
from datacenter.sheets.own import Own
from datacenter.sheets.sheet import Act, Column, Field, Sheet, Values

WHY = "This needs Realm.Allocate on /access/realm."
_MODES = (("ldap", "Unencrypted"), ("ldaps", "TLS"), ("ldap+starttls", "STARTTLS"))
_ONE = "/access/domains/{realm}"

_COMMON = (
    Field("comment", "Comment", optional=True),
    Field("default", "Is chosen already on the sign-in page", "check"),
)
_SERVER = (
    Field("server1", "Server"),
    Field("server2", "Server to ask when that one is silent", optional=True),
    Field("port", "Port", "number", "Left empty: 389, or 636 with TLS.", optional=True),
    Field("mode", "Connection", "choice", choices=_MODES, value="ldaps"),
    Field("verify", "Check the server's certificate", "check", value=True),
    Field("capath", "Certificates to trust", hint="A file on every node. Left empty: the system's.", optional=True),
)
_LDAP = (
    *_SERVER,
    Field("base_dn", "Base", hint="For instance dc=example,dc=org"),
    Field("user_attr", "Attribute of the user's name", value="uid"),
    Field("filter", "Filter", optional=True),
    Field("bind_dn", "Bind as", hint="Left empty: as nobody.", optional=True),
    Field("password", "Password to bind with", "password", optional=True, autocomplete="new-password"),
)
_AD = (*_SERVER, Field("domain", "Domain"))
_OPENID = (
    Field("issuer-url", "Issuer", hint="The provider's address: https://…"),
    Field("client-id", "Client id"),
    Field("client-key", "Client key", "password", optional=True, autocomplete="new-password"),
    Field("username-claim", "Claim with the user's name", hint="Left empty: sub.", optional=True),
    Field("scopes", "Scopes", hint="Left empty: email profile.", optional=True),
    Field("autocreate", "Make a user who signs in for the first time", "check"),
)
_FIELDS = {"ldap": _LDAP, "ad": _AD, "openid": _OPENID, "pam": (), "pve": ()}
_WORDS = {"ldap": "LDAP", "ad": "Active Directory", "openid": "OpenID Connect"}


async def realms(request: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await inside.ask(request, "GET", "/access/domains")
    return found


async def _settings(request: Any, row: Values) -> Values:
    """Truths are texts in the file; the digest sees to it that nobody else's change is lost."""
    found = await inside.ask(request, "GET", _ONE, {"realm": row["realm"]})
    return {key: "" if value in ("0", 0) else value for key, value in found.items()}


def _changed(kind: str) -> Any:
    """What was emptied is taken away."""
    optional = [each.name for each in (*_FIELDS[kind], *_COMMON) if each.optional and each.kind != "password"]

    def given(values: dict[str, Any]) -> dict[str, Any]:
        gone = [name for name in optional if name not in values]
        return {**values, **({"delete": ",".join(gone)} if gone else {})}

    return given


def _may(own: Own, _row: Values) -> bool:
    return own.holds("Realm.Allocate", "/access/realm")


def _add(kind: str) -> Act:
    return Act(
        f"add-{kind}", f"Add {_WORDS[kind]}", f"Add a realm: {_WORDS[kind]}", "POST", "/access/domains",
        (Field("realm", "Name", hint="Stands behind the @ of its users."), *_FIELDS[kind], *_COMMON),
        fixed={"type": kind}, may=_may, why=WHY,
    )  # fmt: skip


def _edit(kind: str) -> Act:
    return Act(
        f"edit-{kind}", "Edit", "Edit a realm", "PUT", _ONE,
        (*_FIELDS[kind], *_COMMON, Field("digest", "", "hidden")), ("realm",), fill=_settings, given=_changed(kind),
        applies=lambda row: row["type"] == kind, may=_may, why=WHY,
    )  # fmt: skip


REALMS = Sheet(
    "realms", "Realms", "folder",
    (
        Column("realm", "Realm", "name"), Column("type", "Kind"), Column("default", "Chosen already", "flag"),
        Column("comment", "Comment"),
    ),
    realms,
    ("There is no realm", "pam and pve are always there."),
    tuple(_add(kind) for kind in _WORDS),
    (
        *(_edit(kind) for kind in _FIELDS),
        Act(
            "remove", "Remove", "Remove a realm", "DELETE", _ONE, (), ("realm",), dangerous=True, may=_may, why=WHY,
            applies=lambda row: row["type"] in _WORDS, lead="Its users stay, and cannot sign in any more.",
        ),
    ),
)  # fmt: skip
