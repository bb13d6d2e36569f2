"""The sheet of realms: where passwords are checked. Which settings a kind of realm has is the API's to say."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_noop as _

from datacenter.api import inside
from datacenter.sheets.own import Own
from datacenter.sheets.sheet import Act, Column, Field, Sheet, Values

# What the realms that are always there are called until somebody writes another comment.
BUILT_IN = (_("Linux PAM standard authentication"), _("Quire's own users"))

WHY = _("This needs Realm.Allocate on /access/realm.")
_MODES = (("ldap", _("Unencrypted")), ("ldaps", "TLS"), ("ldap+starttls", "STARTTLS"))
_ONE = "/access/domains/{realm}"

_COMMON = (
    Field("comment", _("Comment"), optional=True),
    Field("default", _("Is chosen already on the sign-in page"), "check"),
)
_SERVER = (
    Field("server1", _("Server")),
    Field("server2", _("Server to ask when that one is silent"), optional=True),
    Field("port", _("Port"), "number", _("Left empty: 389, or 636 with TLS."), optional=True),
    Field("mode", _("Connection"), "choice", choices=_MODES, value="ldaps"),
    Field("verify", _("Check the server's certificate"), "check", value=True),
    Field(
        "capath",
        _("Certificates to trust"),
        hint=_("A file on every node, or one below /etc/pve, which all have. Left empty: the system's."),
        optional=True,
    ),
)
_LDAP = (
    *_SERVER,
    Field("base_dn", _("Base"), hint=_("For instance dc=example,dc=org")),
    Field("user_attr", _("Attribute of the user's name"), value="uid"),
    Field("filter", _("Filter"), optional=True),
    Field("bind_dn", _("Bind as"), hint=_("Left empty: as nobody."), optional=True),
    Field("password", _("Password to bind with"), "password", optional=True, autocomplete="new-password"),
)
_AD = (*_SERVER, Field("domain", _("Domain")))
_OPENID = (
    Field("issuer-url", _("Issuer"), hint=_("The provider's address: https://…")),
    Field("client-id", _("Client id")),
    Field("client-key", _("Client key"), "password", optional=True, autocomplete="new-password"),
    Field("username-claim", _("Claim with the user's name"), hint=_("Left empty: sub."), optional=True),
    Field("scopes", _("Scopes"), hint=_("Left empty: email profile."), optional=True),
    Field("autocreate", _("Make a user who signs in for the first time"), "check"),
)
_FIELDS = {"ldap": _LDAP, "ad": _AD, "openid": _OPENID, "pam": (), "pve": ()}
_WORDS = {"ldap": _("LDAP"), "ad": _("Active Directory"), "openid": _("OpenID Connect")}


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


_ADD = {
    "ldap": (_("Add LDAP"), _("Add a realm: LDAP")),
    "ad": (_("Add Active Directory"), _("Add a realm: Active Directory")),
    "openid": (_("Add OpenID Connect"), _("Add a realm: OpenID Connect")),
}


def _add(kind: str) -> Act:
    return Act(
        f"add-{kind}", *_ADD[kind], "POST", "/access/domains",
        (Field("realm", _("Name"), hint=_("Stands behind the @ of its users.")), *_FIELDS[kind], *_COMMON),
        fixed={"type": kind}, may=_may, why=WHY,
    )  # fmt: skip


def _edit(kind: str) -> Act:
    return Act(
        f"edit-{kind}", _("Edit"), _("Edit a realm"), "PUT", _ONE,
        (*_FIELDS[kind], *_COMMON, Field("digest", "", "hidden")), ("realm",), fill=_settings, given=_changed(kind),
        applies=lambda row: row["type"] == kind, may=_may, why=WHY,
    )  # fmt: skip


REALMS = Sheet(
    "realms", _("Realms"), "folder",
    (
        Column("realm", _("Realm"), "name"), Column("type", _("Kind")), Column("default", _("Chosen already"), "flag"),
        Column("comment", _("Comment"), "words"),
    ),
    realms,
    (_("There is no realm"), _("pam and pve are always there.")),
    tuple(_add(kind) for kind in _WORDS),
    (
        *(_edit(kind) for kind in _FIELDS),
        Act(
            "remove", _("Remove"), _("Remove a realm"), "DELETE", _ONE, (), ("realm",), dangerous=True, may=_may,
            why=WHY,
            applies=lambda row: row["type"] in _WORDS, lead=_("Its users stay, and cannot sign in any more."),
        ),
    ),
)  # fmt: skip
