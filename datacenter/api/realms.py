"""/access/domains: the realms one can sign in to. The list is for everybody, as it stands on the sign-in page."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from cluster.control import access_requests as ask
from datacenter import gateway
from datacenter.api.asks import asks, listed
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, NoParameters, OpenRow, Parameters, Row
from datacenter.api.permission import PUBLIC, perm
from datacenter.api.types import Digest, Flag, Realm, Text, TicketOrPassword, WordList

_TEXTS = (
    "acr-values", "audiences", "base_dn", "bind_dn", "capath", "cert", "certkey", "client-id", "client-key", "comment",
    "domain", "filter", "group_classes", "group_dn", "group_filter", "group_name_attr", "groups-claim", "issuer-url",
    "mode", "prompt", "scopes", "server1", "server2", "sslversion", "sync-defaults-options", "sync_attributes", "tfa",
    "user_attr", "user_classes", "username-claim",
)  # fmt: skip
_TRUTHS = (
    "autocreate", "case-sensitive", "default", "groups-autocreate", "groups-overwrite", "query-userinfo", "secure",
    "verify",
)  # fmt: skip
_PORT = Annotated[int, Meta(ge=1, le=65535, description="a port: 1 to 65535")]
_SETTINGS: dict[str, Any] = {**dict.fromkeys(_TEXTS, Text), **dict.fromkeys(_TRUTHS, bool), "port": _PORT}


class OneRealm(Parameters, kw_only=True):
    realm: Realm


def _with_settings(name: str, *more: tuple[str, Any] | tuple[str, Any, Any]) -> type[Parameters]:
    settings = [
        (key.replace("-", "_"), kind | None, msgspec.field(default=None, name=key)) for key, kind in _SETTINGS.items()
    ]
    made = msgspec.defstruct(name, [*more, *settings], bases=(OneRealm,), kw_only=True, module=__name__)
    assert issubclass(made, Parameters)
    return made


NewRealm = _with_settings(
    "NewRealm", ("type", Literal["ldap", "ad", "openid"]), ("password", TicketOrPassword | None, None)
)
ChangedRealm = _with_settings(
    "ChangedRealm",
    ("delete", WordList, ""),
    ("digest", Digest | None, None),
    ("password", TicketOrPassword | None, None),
)


class RealmRow(Row, kw_only=True):
    realm: str
    type: str
    comment: str | UnsetType = UNSET
    default: Flag | UnsetType = UNSET
    tfa: str | UnsetType = UNSET


class RealmShown(OpenRow, kw_only=True):
    type: str
    digest: str


async def realms(_call: Call, _asked: NoParameters) -> Any:
    return await gateway.call(ask.RealmList())


def _settings(asked: Any) -> dict[str, str]:
    given = {key: getattr(asked, key.replace("-", "_")) for key in _SETTINGS}
    return {key: _written(value) for key, value in given.items() if value is not None}


def _written(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


async def add(call: Call, asked: Any) -> None:
    await gateway.call(ask.RealmAdd(call.user, asked.realm, asked.type, _settings(asked), asked.password))


async def change(call: Call, asked: Any) -> None:
    wanted = ask.RealmChange(
        call.user, asked.realm, _settings(asked), listed(asked.delete), asked.digest, asked.password
    )
    await gateway.call(wanted)


_MAY = perm("/access/realm", "Realm.Allocate")

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "/access/domains", "The realms one can sign in to.", realms, PUBLIC, returns=list[RealmRow]),
    Endpoint("POST", "/access/domains", "Add a realm.", add, _MAY, NewRealm),
    Endpoint("GET", "/access/domains/{realm}", "A realm's settings.", asks(ask.RealmShow), _MAY, OneRealm, RealmShown),
    Endpoint("PUT", "/access/domains/{realm}", "Change a realm.", change, _MAY, ChangedRealm),
    Endpoint("DELETE", "/access/domains/{realm}", "Remove a realm.", asks(ask.RealmRemove), _MAY, OneRealm),
)
