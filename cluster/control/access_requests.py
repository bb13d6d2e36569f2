"""Requests about users, groups, roles, rights, realms, tokens, second factors and sessions: typed as in `requests.py`.

`user` is who asks: a user, or a token `user@realm!name`. The daemon checks for itself what that user may
(`cluster/node/access/needs.py`), whatever the site has checked before. Fields are named as in the REST API, dashes
being underscores; results are those of the reference §8.6. All raise Forbidden, and changes Conflict, NotFound,
InvalidInput, NoQuorum, OutcomeUnknown as it applies.
"""

from __future__ import annotations

from cluster.control.realm_requests import OpenIdAddress as OpenIdAddress
from cluster.control.realm_requests import OpenIdLogin as OpenIdLogin
from cluster.control.realm_requests import RealmAdd as RealmAdd
from cluster.control.realm_requests import RealmChange as RealmChange
from cluster.control.realm_requests import RealmList as RealmList
from cluster.control.realm_requests import RealmRemove as RealmRemove
from cluster.control.realm_requests import RealmShow as RealmShow
from cluster.control.request import Request
from cluster.control.session_requests import FactorAdd as FactorAdd
from cluster.control.session_requests import FactorChange as FactorChange
from cluster.control.session_requests import FactorRemove as FactorRemove
from cluster.control.session_requests import FactorsList as FactorsList
from cluster.control.session_requests import FactorsOf as FactorsOf
from cluster.control.session_requests import FactorsUnlock as FactorsUnlock
from cluster.control.session_requests import SessionEnd as SessionEnd
from cluster.control.session_requests import SessionEndAll as SessionEndAll
from cluster.control.session_requests import SessionList as SessionList
from cluster.control.session_requests import SignOut as SignOut
from cluster.secret import Secret

# --- who asks, and what they may ----------------------------------------------------------------------------------


class CheckToken(Request, tag="access.check-token"):
    """`user@realm!name=value`, as it stands in the header → {username: "user@realm!name"}. Raises Unauthenticated."""

    token: Secret


class HeldRights(Request, tag="access.held"):
    """→ {privilege: 1 where it holds below as well, else 0} of `user` on `path`; empty for who may nothing."""

    user: str
    path: str


class Permissions(Request, tag="access.permissions"):
    """→ {path: {privilege: propagate}} of `userid` (default: who asks), on `path` or wherever it may differ."""

    user: str
    userid: str | None = None
    path: str | None = None


class PermissionReasons(Request, tag="access.reasons"):
    """→ [{path, privs: {privilege: propagate}, grants: [{path, type, ugid, roleid, propagate}]}] of `userid` (default:
    who asks), wherever it may something: why it may. A token with rights of its own has the grants of itself."""

    user: str
    userid: str | None = None


# --- users --------------------------------------------------------------------------------------------------------


class UserList(Request, tag="access.users"):
    """→ [{userid, enable, expire, firstname, …, realm-type, and with `full` groups, tokens}]: those one may see."""

    user: str
    enabled: bool | None = None
    full: bool = False


class UserShow(Request, tag="access.user"):
    """→ {enable, expire, …, groups: [str], tokens: {name: {…}}}"""

    user: str
    userid: str


class UserAdd(Request, tag="access.user-add"):
    """→ null. `password` only in the realm pve."""

    user: str
    userid: str
    password: Secret | None = None
    enable: bool = True
    expire: int = 0
    firstname: str = ""
    lastname: str = ""
    email: str = ""
    comment: str = ""
    keys: str = ""
    groups: list[str] = []


class UserChange(Request, tag="access.user-change"):
    """→ null. What is None stays as it is."""

    user: str
    userid: str
    enable: bool | None = None
    expire: int | None = None
    firstname: str | None = None
    lastname: str | None = None
    email: str | None = None
    comment: str | None = None
    keys: str | None = None
    groups: list[str] | None = None
    append: bool = False


class UserRemove(Request, tag="access.user-remove"):
    """→ null. With password, tokens, second factors, memberships and rights; its sessions end."""

    user: str
    userid: str


class PasswordChange(Request, tag="access.password"):
    """→ null. `confirmation_password` is that of who asks, needed unless root@pam asks by a program. Ends sessions of
    `userid`. `in_browser`, here and elsewhere: it is a browser's session that asks."""

    user: str
    userid: str
    password: Secret
    confirmation_password: Secret | None = None
    address: str = ""
    in_browser: bool = False


# --- tokens -------------------------------------------------------------------------------------------------------


class TokenList(Request, tag="access.tokens"):
    """→ [{tokenid, expire, privsep, comment?}]"""

    user: str
    userid: str


class TokenShow(Request, tag="access.token"):
    """→ {expire, privsep, comment?}"""

    user: str
    userid: str
    tokenid: str


class TokenAdd(Request, tag="access.token-add"):
    """→ {full-tokenid, info: {…}, value}: the value is shown this once and never again. A browser's session confirms it
    with the asker's own password."""

    user: str
    userid: str
    tokenid: str
    expire: int = 0
    privsep: bool = True
    comment: str = ""
    confirmation_password: Secret | None = None
    address: str = ""
    in_browser: bool = False


class TokenChange(Request, tag="access.token-change"):
    """→ {expire, privsep, comment?}, and with `regenerate` full-tokenid, value. `delete` knows only `comment`.
    Confirmed as TokenAdd is."""

    user: str
    userid: str
    tokenid: str
    expire: int | None = None
    privsep: bool | None = None
    comment: str | None = None
    regenerate: bool = False
    delete: list[str] = []
    confirmation_password: Secret | None = None
    address: str = ""
    in_browser: bool = False


class TokenRemove(Request, tag="access.token-remove"):
    """→ null"""

    user: str
    userid: str
    tokenid: str


# --- groups, roles, rights ----------------------------------------------------------------------------------------


class GroupList(Request, tag="access.groups"):
    """→ [{groupid, comment?, users: "a,b"}]: those who asks may see."""

    user: str


class GroupShow(Request, tag="access.group"):
    """→ {comment?, members: [str]}"""

    user: str
    groupid: str


class GroupAdd(Request, tag="access.group-add"):
    """→ null"""

    user: str
    groupid: str
    comment: str = ""


class GroupChange(Request, tag="access.group-change"):
    """→ null"""

    user: str
    groupid: str
    comment: str | None = None


class GroupRemove(Request, tag="access.group-remove"):
    """→ null. With its rights."""

    user: str
    groupid: str


class RoleList(Request, tag="access.roles"):
    """→ [{roleid, privs: "a,b", special: 0 or 1}]"""

    user: str


class RoleShow(Request, tag="access.role"):
    """→ {privilege: 1}"""

    user: str
    roleid: str


class RoleAdd(Request, tag="access.role-add"):
    """→ null"""

    user: str
    roleid: str
    privs: list[str] = []


class RoleChange(Request, tag="access.role-change"):
    """→ null"""

    user: str
    roleid: str
    privs: list[str]
    append: bool = False


class RoleRemove(Request, tag="access.role-remove"):
    """→ null. Raises Conflict while it is in use."""

    user: str
    roleid: str


class AclList(Request, tag="access.acl"):
    """→ [{path, type, ugid, roleid, propagate}]: those who asks may see."""

    user: str


class AclChange(Request, tag="access.acl-change"):
    """→ null. Gives `roles` on `path` to users, groups (without @) or tokens, or with `delete` takes them away."""

    user: str
    path: str
    roles: list[str]
    users: list[str] = []
    groups: list[str] = []
    tokens: list[str] = []
    propagate: bool = True
    delete: bool = False
