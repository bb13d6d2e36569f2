"""What each request needs its `user` to be allowed, checked in the daemon whatever the site has checked before.

`check` is asked before every handler. A request that is neither here nor in `OPEN` is refused: what is added without a
word about who may is for nobody. Handlers narrow further what depends on the thing itself, a list's rows say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cluster.access.names import ROOT, clean_path, realm_of, split_token
from cluster.control import access_requests as ask
from cluster.control import alert_requests as alert
from cluster.control import check_requests as looking
from cluster.control import flight_requests as flight
from cluster.control import former_requests as former
from cluster.control import import_requests as importing
from cluster.control import link_requests as paths
from cluster.control import node_requests as machines
from cluster.control import plan_requests as planning
from cluster.control import requests as base
from cluster.control import supposition_requests as ahead
from cluster.control import token_requests as joining
from cluster.control import witness_requests as witnessing
from cluster.control.requests import Request
from cluster.errors import Forbidden
from cluster.node.access.rights import Rights

Need = Callable[[Rights, Any], None]
GROUPS = "/access/groups"
OPTIONS = "datacenter.cfg"
SIFTED = (OPTIONS, "storage.cfg")


def check(rights: Rights, request: Request) -> None:
    """Raises Forbidden, Unauthenticated."""
    need = NEEDS.get(type(request))
    if need is not None:
        need(rights, request)
    elif type(request) not in OPEN:
        raise Forbidden("Nobody may ask this.")


# --- kinds of needs ---------------------------------------------------------------------------------------------------


def root(rights: Rights, request: Any) -> None:
    rights.demand_root(request.user)


def store(rights: Rights, request: Any) -> None:
    if request.user != ROOT:
        raise Forbidden(f"Only {ROOT} may change the configuration.")


def _store_write(rights: Rights, request: base.StoreWrite) -> None:
    """The options have a privilege of their own, as in Proxmox VE; every other file is power over everything."""
    if request.path == OPTIONS:
        rights.demand(request.user, "/", "Sys.Modify")
    else:
        store(rights, request)


def known(rights: Rights, request: Any) -> None:
    rights.demand_active(request.user)


def audit(rights: Rights, request: Any) -> None:
    known(rights, request)
    rights.demand(request.user, "/", "Sys.Audit")


def _store_read(rights: Rights, request: base.StoreRead) -> None:
    """Every file tells of the whole cluster. Of `SIFTED` the site shows each user the rows that are for them."""
    known(rights, request)
    path = "/".join(part for part in request.path.split("/") if part)
    folder, _, rest = path.partition("/")
    if path in SIFTED:
        return
    if folder == "nodes" and rest.endswith("/config") and rest.count("/") == 1:
        rights.demand(request.user, f"/nodes/{rest.removesuffix('/config')}", "Sys.Audit")
    else:
        audit(rights, request)


def privilege(name: str, path: str = "/access") -> Need:
    return lambda rights, request: rights.demand(request.user, path, name)


def no_token(rights: Rights, request: Any) -> None:
    """For what would let a token make itself more than it is."""
    known(rights, request)
    if "!" in request.user:
        raise Forbidden("An API token may not do this; sign in.")


def over_user(rights: Rights, caller: str, user: str, *privileges: str) -> None:
    """One of `privileges` on all users, or on a group this user is in. root@pam's own affairs are root@pam's."""
    if user == ROOT and caller != ROOT:
        raise Forbidden(f"Only {ROOT} may do this to {ROOT}.")
    if not has_over(rights, caller, user, *privileges):
        raise Forbidden(f"Permission check failed ({GROUPS}, {'|'.join(privileges)})")


def has_over(rights: Rights, caller: str, user: str, *privileges: str) -> bool:
    paths = [GROUPS, *(f"{GROUPS}/{group}" for group in rights.groups_of(user))]
    return any(rights.may(caller, path, one) for path in paths for one in privileges)


def _user_add(rights: Rights, request: ask.UserAdd) -> None:
    rights.demand(request.user, f"/access/realm/{realm_of(request.userid)}", "Realm.AllocateUser")
    _user_groups(rights, request.user, request.groups)
    if not request.groups:
        rights.demand(request.user, GROUPS, "User.Modify")


def _user_change(rights: Rights, request: ask.UserChange) -> None:
    over_user(rights, request.user, request.userid, "User.Modify")
    _user_groups(rights, request.user, request.groups or [])


def _user_groups(rights: Rights, caller: str, groups: list[str]) -> None:
    for group in groups:
        rights.demand(caller, f"{GROUPS}/{group}", "User.Modify")


def _user_remove(rights: Rights, request: ask.UserRemove) -> None:
    over_user(rights, request.user, request.userid, "User.Modify")
    rights.demand(request.user, f"/access/realm/{realm_of(request.userid)}", "Realm.AllocateUser")


def _user_show(rights: Rights, request: ask.UserShow) -> None:
    if not _is_self(rights, request) and not has_over(rights, request.user, request.userid, "User.Modify", "Sys.Audit"):
        raise Forbidden(f"Permission check failed ({GROUPS}, User.Modify|Sys.Audit)")


def _is_self(rights: Rights, request: Any) -> bool:
    known(rights, request)
    return bool(split_token(request.user)[0] == request.userid)


def _password(rights: Rights, request: ask.PasswordChange) -> None:
    no_token(rights, request)
    if request.user != request.userid:
        over_user(rights, request.user, request.userid, "User.Modify")
        rights.demand(request.user, f"/access/realm/{realm_of(request.userid)}", "Realm.AllocateUser")


def own_or_over(rights: Rights, request: Any) -> None:
    if not _is_self(rights, request):
        over_user(rights, request.user, request.userid, "User.Modify")


def _sessions(rights: Rights, request: Any) -> None:
    no_token(rights, request)
    if request.userid not in (None, request.user):
        over_user(rights, request.user, request.userid, "User.Modify")


def _factor(rights: Rights, request: Any) -> None:
    no_token(rights, request)
    own_or_over(rights, request)


def _token_change(rights: Rights, request: Any) -> None:
    """A token with rights of its own could make itself one with its user's."""
    if rights.is_separated(request.user):
        raise Forbidden("A token with separated privileges may not change tokens.")
    own_or_over(rights, request)


def _acl_change(rights: Rights, request: ask.AclChange) -> None:
    path = clean_path(request.path)
    may_all = rights.may(request.user, path, "Permissions.Modify")
    delegated = {"storage": "Datastore.Allocate", "vms": "VM.Allocate", "pool": "Pool.Allocate"}.get(path.split("/")[1])
    if not may_all and not (delegated and path.count("/") > 1 and rights.may(request.user, path, delegated)):
        raise Forbidden(f"Permission check failed ({path}, Permissions.Modify)")
    if may_all and not rights.is_separated(request.user):
        return
    held = rights.held(request.user, path)
    for role in request.roles:
        if not rights.privileges_of(role) <= held.keys():
            raise Forbidden(f"The role {role[:64]} is more than {request.user} may on {path}.")


def _permissions(rights: Rights, request: ask.Permissions) -> None:
    known(rights, request)
    wanted = request.userid or request.user
    if wanted != request.user and split_token(wanted)[0] != request.user:
        rights.demand(request.user, "/access", "Sys.Audit")


# --- the table --------------------------------------------------------------------------------------------------------

NEEDS: dict[type[Request], Need] = {
    base.CreateCluster: root, base.JoinCluster: root, base.AddNode: root,
    former.UndoJoin: root,
    base.LeaveCluster: root, base.RemoveNode: root, base.UndoRemoval: root, base.KeyWrite: root,
    base.KeyRead: audit, base.StoreRead: _store_read, base.StoreList: audit, base.StoreCheck: audit,
    base.StoreHistory: audit, base.StoreShow: audit, base.StoreDiff: audit,
    base.StoreWrite: _store_write, base.StoreRestore: store, base.StoreConflicts: store,
    base.StoreConflict: store, base.StoreConflictRestore: store,
    base.StoreExchange: store, base.StoreExport: store, base.StoreImport: store,
    flight.FlightEvents: privilege("Sys.Audit", "/"), alert.Alerts: privilege("Sys.Audit", "/"),
    alert.AlertSet: privilege("Sys.Modify", "/"), alert.AlertRemove: privilege("Sys.Modify", "/"),
    alert.AlertTest: privilege("Sys.Modify", "/"),
    paths.ChangeLinks: root, paths.ConfirmLinks: root, paths.RevertLinks: root, paths.SetExpected: root,
    planning.Plan: root, planning.PlanUndoRemoval: root, planning.RenewCertificate: root, planning.Rename: root,
    importing.ContentTaken: root, importing.PlanImport: root,
    witnessing.SetUpWitness: root, witnessing.RemoveWitness: root, witnessing.PlanWitness: root,
    looking.CheckCreate: root, looking.CheckJoin: root, looking.CheckMembers: audit, looking.CheckState: audit,
    looking.RemoveLeftovers: root, looking.MembersPreflight: root,
    joining.TokenCreate: root, joining.TokenRevoke: root,
    base.TaskStatus: known, base.TaskLog: known, base.TaskStop: known,
    machines.HostJournal: known, machines.RootSession: root, machines.Pools: known,
    ask.Permissions: _permissions, ask.PermissionReasons: _permissions,
    ask.UserList: known, ask.UserShow: _user_show, ask.UserAdd: _user_add, ask.UserChange: _user_change,
    ask.UserRemove: _user_remove, ask.PasswordChange: _password,
    ask.SessionList: _sessions, ask.SessionEnd: no_token, ask.SessionEndAll: _sessions,
    ask.FactorsList: known, ask.FactorsOf: own_or_over, ask.FactorAdd: _factor, ask.FactorChange: _factor,
    ask.FactorRemove: _factor, ask.FactorsUnlock: _factor,
    ask.TokenList: own_or_over, ask.TokenShow: own_or_over, ask.TokenAdd: _token_change,
    ask.TokenChange: _token_change, ask.TokenRemove: _token_change,
    ask.GroupList: known, ask.GroupShow: known,
    ask.GroupAdd: privilege("Group.Allocate", GROUPS), ask.GroupChange: privilege("Group.Allocate", GROUPS),
    ask.GroupRemove: privilege("Group.Allocate", GROUPS),
    ask.RoleList: known, ask.RoleShow: known, ask.RoleAdd: privilege("Sys.Modify"),
    ask.RoleChange: privilege("Sys.Modify"), ask.RoleRemove: privilege("Sys.Modify"),
    ask.AclList: known, ask.AclChange: _acl_change,
    ask.RealmShow: privilege("Realm.Allocate", "/access/realm"),
    ask.RealmAdd: privilege("Realm.Allocate", "/access/realm"),
    ask.RealmChange: privilege("Realm.Allocate", "/access/realm"),
    ask.RealmRemove: privilege("Realm.Allocate", "/access/realm"),
}  # fmt: skip

# Asked for nobody in particular: by the site to know who asks or what there is (it shows what its own table of
# endpoints lets the caller see), by other nodes with a proof of their own, or on the command line by root.
OPEN: frozenset[type[Request]] = frozenset({
    paths.PlanLinks, paths.LinkTrial, paths.PlanExpected, witnessing.WitnessTold,
    base.Version, base.Status, base.Subscribe, base.ClusterLog, base.EngineReport, base.NodeFacts, base.Interfaces,
    base.ClusterConfig, base.JoinInfo, base.DecodeInvitation, base.UndoAddNode, base.RemovalPlan, base.CheckNode,
    base.RemovedNodes, former.FormerStores,
    base.VerifyCluster, base.TaskList, base.Login, base.CheckTicket,
    base.CheckCsrf, base.ClusterMark, base.RenewAfterJoin, base.WebFiles, base.StoreVerify, base.StoreHealth,
    base.StorePoint, base.StoreOutcome,
    base.PeerHistory, base.PeerStanding, flight.PeerEvents, paths.Links, paths.LinkHistory, ahead.WhatIf,
    ask.CheckToken, ask.HeldRights, ask.RealmList, ask.OpenIdAddress, ask.OpenIdLogin, ask.SignOut,
    joining.TokenRows, joining.TokenOpen, joining.TokenAdd,
    looking.TokenPreflight,  # the last three show their token
    machines.HostTime, machines.HostDns, machines.HostNames, machines.HostServices, machines.NodeCertificates,
    machines.QdeviceStatus, machines.GuestIds, machines.ClusterTasks,
    machines.NodeHistory, machines.LocateNode, machines.ForwardCall,  # the node a call is carried to looks at who asks
})  # fmt: skip
