"""`domains.cfg`: the realms one can sign in to, and what each is reached by. `pam` and `pve` are always there.

How a password is checked in each is `cluster/node/access/`; secrets of realms are in `priv/realm/<realm>.pw`.
"""

from __future__ import annotations

from collections.abc import Mapping

from cluster.access import names, sections
from cluster.access.sections import Section
from cluster.errors import Conflict, InvalidInput, NotFound

PATH = "domains.cfg"
BUILT_IN = {"pam": "Linux PAM standard authentication", "pve": "Quire's own users"}
REQUIRED = {
    "ldap": ("base_dn", "server1", "user_attr"),
    "ad": ("domain", "server1"),
    "openid": ("client-id", "issuer-url"),
}
KINDS = ("pam", "pve", *REQUIRED)
FLAGS = ("default", "autocreate", "verify", "secure", "case-sensitive", "query-userinfo")
ON_UNLESS_SAID = ("verify",)  # a certificate that is not checked proves nothing
_COMMON = ("comment", "default", "tfa")
_LDAP = (
    "base_dn", "bind_dn", "capath", "cert", "certkey", "filter", "group_classes", "group_dn", "group_filter",
    "group_name_attr", "mode", "port", "secure", "server1", "server2", "sslversion", "sync-defaults-options",
    "sync_attributes", "user_attr", "user_classes", "verify",
)  # fmt: skip
KEYS = {
    "pam": _COMMON,
    "pve": _COMMON,
    "ldap": (*_COMMON, *_LDAP),
    "ad": (*_COMMON, *_LDAP, "domain", "case-sensitive"),
    "openid": (
        *_COMMON, "acr-values", "audiences", "autocreate", "client-id", "client-key", "groups-autocreate",
        "groups-claim", "groups-overwrite", "issuer-url", "prompt", "query-userinfo", "scopes", "username-claim",
    ),
}  # fmt: skip


def parse(data: bytes) -> dict[str, Section]:
    """By name, in the file's order, with the two that are always there. Raises InvalidInput."""
    found = {one.name: one for one in sections.parse(data)}
    for name, comment in BUILT_IN.items():
        found.setdefault(name, Section(name, name, {"comment": comment}))
    return found


def render(realms: Mapping[str, Section]) -> bytes:
    return sections.render(list(realms.values()), REQUIRED)


def add(realms: dict[str, Section], kind: str, name: str, given: Mapping[str, str]) -> None:
    """Raises InvalidInput, Conflict."""
    if not names.is_realm(name):
        raise InvalidInput("That is no name for a realm.", fields={"realm": "must be a realm's name"})
    if name in realms:
        raise Conflict(f"There is a realm {name} already.")
    if kind not in REQUIRED:
        raise InvalidInput(
            "A realm like that cannot be added.", fields={"type": f"must be one of {', '.join(REQUIRED)}"}
        )
    realms[name] = Section(kind, name)
    change(realms, name, given, ())


def change(realms: dict[str, Section], name: str, given: Mapping[str, str], delete: tuple[str, ...]) -> None:
    """Set and take away keys. Raises NotFound, InvalidInput naming the key."""
    section = realms.get(name)
    if section is None:
        raise NotFound(f"There is no realm {name}.")
    wrong = {key: "is no setting of such a realm" for key in (*given, *delete) if key not in KEYS[section.kind]}
    wrong.update({key: "has a line break" for key, value in given.items() if not value.isprintable()})
    kept = {key: value for key, value in section.properties.items() if key not in delete} | dict(given)
    wrong.update({key: "is required" for key in REQUIRED.get(section.kind, ()) if not kept.get(key)})
    if wrong:
        raise InvalidInput("The realm's settings are not right.", fields=wrong)
    off = {key for key, value in kept.items() if key in FLAGS and key not in ON_UNLESS_SAID and value == "0"}
    section.properties = {key: value for key, value in kept.items() if key not in off}
    if section.is_on("default"):
        for other in realms.values():
            if other is not section:
                other.properties.pop("default", None)


def remove(realms: dict[str, Section], name: str) -> None:
    """Raises NotFound, Conflict for those that are always there."""
    if name in BUILT_IN:
        raise Conflict(f"The realm {name} is always there.")
    if realms.pop(name, None) is None:
        raise NotFound(f"There is no realm {name}.")
