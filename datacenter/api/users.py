"""/access/users and /access/password. Who may is decided in the daemon, user by user."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from cluster.control import access_requests as ask
from datacenter.api.asks import asks
from datacenter.api.endpoint import Endpoint, Parameters, Row
from datacenter.api.permission import SIGNED_IN, Within
from datacenter.api.types import Flag, NameList, NewPassword, Text, TicketOrPassword, Time, UserId

OWN_OR_OVER = Within("The user itself, or User.Modify on /access/groups or on a group the user is in.")
OVER = Within("User.Modify on /access/groups or on a group the user is in; root@pam itself for root@pam.")


class Listing(Parameters, kw_only=True):
    enabled: bool | None = None
    full: bool = False


class OneUser(Parameters, kw_only=True):
    userid: UserId


class NewUser(OneUser, kw_only=True):
    password: NewPassword | None = None
    enable: bool = True
    expire: Time = 0
    firstname: Text = ""
    lastname: Text = ""
    email: Text = ""
    comment: Text = ""
    keys: Text = ""
    groups: NameList = ""


class ChangedUser(OneUser, kw_only=True):
    enable: bool | None = None
    expire: Time | None = None
    firstname: Text | None = None
    lastname: Text | None = None
    email: Text | None = None
    comment: Text | None = None
    keys: Text | None = None
    groups: NameList | None = None
    append: bool = False


def confirmation() -> Any:
    """The field `confirmation_password`, for the caller's own."""
    return msgspec.field(default=None, name="confirmation-password")


class NewOwnPassword(OneUser, kw_only=True):
    password: NewPassword
    confirmation_password: TicketOrPassword | None = confirmation()


class TokenInfo(Row, kw_only=True):
    expire: int
    privsep: Flag
    comment: str | UnsetType = UNSET


class TokenRow(TokenInfo, kw_only=True):
    tokenid: str


class UserFacts(Row, kw_only=True):
    enable: Flag
    expire: Annotated[int, Meta(description="a Unix time; 0 is never")]
    firstname: str | UnsetType = UNSET
    lastname: str | UnsetType = UNSET
    email: str | UnsetType = UNSET
    comment: str | UnsetType = UNSET
    keys: str | UnsetType = UNSET


class UserRow(UserFacts, kw_only=True):
    userid: str
    realm_type: str | UnsetType = msgspec.field(default=UNSET, name="realm-type")
    totp_locked: Flag | UnsetType = msgspec.field(default=UNSET, name="totp-locked")
    tfa_locked_until: int | UnsetType = msgspec.field(default=UNSET, name="tfa-locked-until")
    groups: str | UnsetType = UNSET
    tokens: list[TokenRow] | UnsetType = UNSET


class UserShown(UserFacts, kw_only=True):
    groups: list[str]
    tokens: dict[str, TokenInfo]


_ONE = "/access/users/{userid}"

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET", "/access/users", "The users one may see.", asks(ask.UserList), SIGNED_IN, Listing, list[UserRow]
    ),
    Endpoint(
        "POST", "/access/users", "Make a user.", asks(ask.UserAdd),
        Within("Realm.AllocateUser on /access/realm/<realm>, and User.Modify on the groups or on /access/groups."),
        NewUser,
    ),
    Endpoint(
        "GET", _ONE, "A user, with groups and tokens.", asks(ask.UserShow),
        Within("The user itself, or User.Modify or Sys.Audit on /access/groups or on a group the user is in."),
        OneUser, UserShown,
    ),
    Endpoint("PUT", _ONE, "Change a user.", asks(ask.UserChange), OVER, ChangedUser),
    Endpoint(
        "DELETE", _ONE, "Remove a user with its tokens, second factors and rights.", asks(ask.UserRemove),
        Within("Realm.AllocateUser on /access/realm/<realm>, and User.Modify over the user."), OneUser,
    ),
    Endpoint(
        "PUT", "/access/password", "Set a password; the confirmation is the caller's own.", asks(ask.PasswordChange),
        Within("The user itself, or Realm.AllocateUser on its realm and User.Modify over it. No API token."),
        NewOwnPassword,
    ),
)  # fmt: skip
