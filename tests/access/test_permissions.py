"""Who may what: a table of the rules, and random lists against a second, naive implementation."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.access.permissions import is_active, permissions, roles
from cluster.access.privileges import BUILT_IN, PRIVILEGES
from cluster.access.user_cfg import Group, Pool, Token, User, UserConfig, parse
from tests.cast import ALICE, BOB, CHARLIE

HEAD = b"""\
user:alice@pve:1:0:::::
token:alice@pve!own:0:1::
token:alice@pve!same:0:0::
user:bob@pve:1:0:::::
group:staff:alice@pve,bob@pve::
group:night:alice@pve::
pool:web::100:local:
role:Tell:Sys.Audit:
"""
OWN, SAME = f"{ALICE}!own", f"{ALICE}!same"

# What stands in the file, who, where → the roles that hold, with whether they hold below.
RULES = {
    "a role holds where it is given": ("1:/nodes:alice@pve:Tell", ALICE, "/nodes", {"Tell": True}),
    "and below, when it propagates": ("1:/nodes:alice@pve:Tell", ALICE, "/nodes/alpha", {"Tell": True}),
    "but not when it does not": ("0:/nodes:alice@pve:Tell", ALICE, "/nodes/alpha", {}),
    "without propagation it holds on the path itself": ("0:/nodes:alice@pve:Tell", ALICE, "/nodes", {"Tell": False}),
    "nor above": ("1:/nodes/alpha:alice@pve:Tell", ALICE, "/nodes", {}),
    "nor beside": ("1:/nodes/alpha:alice@pve:Tell", ALICE, "/nodes/alphabet", {}),
    "from the root to everywhere": ("1:/:alice@pve:Tell", ALICE, "/vms/100", {"Tell": True}),
    "a group's role is its members'": ("1:/:@staff:Tell", ALICE, "/", {"Tell": True}),
    "and nobody else's": ("1:/:@night:Tell", BOB, "/", {}),
    "groups add up": ("1:/:@staff:Tell\n1:/:@night:PVEAuditor", ALICE, "/", {"Tell": True, "PVEAuditor": True}),
    "a user's entry comes before the groups'": ("1:/:@staff:PVEAdmin\n1:/:alice@pve:Tell", ALICE, "/", {"Tell": True}),
    "also when the group's is further down the file": (
        "1:/:alice@pve:Tell\n1:/:@staff:PVEAdmin", ALICE, "/", {"Tell": True},
    ),
    "a deeper entry replaces what was inherited": (
        "1:/:alice@pve:PVEAdmin\n1:/nodes:alice@pve:Tell", ALICE, "/nodes", {"Tell": True},
    ),
    "a deeper group's replaces a user's": (
        "1:/:alice@pve:PVEAdmin\n1:/nodes:@staff:Tell", ALICE, "/nodes", {"Tell": True},
    ),
    "a deeper entry that does not reach replaces nothing": (
        "1:/:alice@pve:PVEAdmin\n0:/nodes:alice@pve:Tell", ALICE, "/nodes/alpha", {"PVEAdmin": True},
    ),
    "an entry that does not reach lets the groups' speak": (
        "0:/nodes:alice@pve:Tell\n1:/nodes:@staff:PVEAuditor", ALICE, "/nodes/alpha", {"PVEAuditor": True},
    ),
    "NoAccess takes away what was inherited": (
        "1:/:alice@pve:PVEAdmin\n1:/nodes:alice@pve:NoAccess", ALICE, "/nodes/alpha", {"NoAccess": True},
    ),
    "NoAccess beats a role beside it": ("1:/:alice@pve:NoAccess,PVEAdmin", ALICE, "/", {"NoAccess": True}),
    "NoAccess of one group beats another's role": (
        "1:/:@staff:NoAccess\n1:/:@night:PVEAdmin", ALICE, "/", {"NoAccess": True},
    ),
    "a user's role beats the group's NoAccess": ("1:/:@staff:NoAccess\n1:/:alice@pve:Tell", ALICE, "/", {"Tell": True}),
    "a role given deeper ends NoAccess": (
        "1:/:alice@pve:NoAccess\n1:/nodes:alice@pve:Tell", ALICE, "/nodes", {"Tell": True},
    ),
    "a token's entry is the token's": ("1:/:alice@pve!own:Tell", OWN, "/", {"Tell": True}),
    "and not its user's": ("1:/:alice@pve!own:Tell", ALICE, "/", {}),
    "its user's is not the token's": ("1:/:alice@pve:Tell", OWN, "/", {}),
    "nor is the group's": ("1:/:@staff:Tell", OWN, "/", {}),
}  # fmt: skip


def config_with(*lines: str) -> UserConfig:
    return parse(HEAD + b"".join(f"acl:{line}:\n".encode() for line in lines))


@pytest.mark.parametrize("rule", RULES)
def test_roles(rule: str) -> None:
    text, who, path, expected = RULES[rule]
    assert roles(config_with(*text.split("\n")), who, path) == expected


def test_root_may_everything_and_cannot_be_held_back() -> None:
    config = config_with("1:/:root@pam:NoAccess")
    assert permissions(config, "root@pam", "/vms/7") == dict.fromkeys(PRIVILEGES, True)


def test_who_is_not_known_may_nothing() -> None:
    config = config_with("1:/:charlie@pve:Administrator", "1:/:alice@pve!gone:Administrator")
    assert permissions(config, CHARLIE, "/") == {}
    assert permissions(config, f"{ALICE}!gone", "/") == {}
    assert permissions(config, f"{CHARLIE}!x", "/") == {}


def test_a_token_of_its_own_rights_has_only_what_its_user_has_too() -> None:
    config = config_with("1:/:alice@pve:Tell", "1:/:alice@pve!own:Administrator")
    assert permissions(config, OWN, "/nodes") == {"Sys.Audit": True}
    assert permissions(config_with("1:/:alice@pve:Administrator"), OWN, "/") == {}


def test_a_token_reaches_below_only_where_both_do() -> None:
    config = config_with("0:/nodes:alice@pve:Tell", "1:/nodes:alice@pve!own:Tell")
    assert permissions(config, OWN, "/nodes") == {"Sys.Audit": False}
    assert permissions(config, OWN, "/nodes/alpha") == {}


def test_a_token_without_rights_of_its_own_has_its_user_s() -> None:
    config = config_with("1:/:alice@pve:Tell", "1:/:alice@pve!same:NoAccess")
    assert permissions(config, SAME, "/nodes") == permissions(config, ALICE, "/nodes") == {"Sys.Audit": True}


def test_a_pool_s_roles_hold_on_its_members_and_not_below() -> None:
    config = config_with("1:/pool/web:alice@pve:PVEVMUser")
    assert permissions(config, ALICE, "/vms/100")["VM.Console"] is False
    assert permissions(config, ALICE, "/storage/local")["VM.Console"] is False
    assert permissions(config, ALICE, "/vms/101") == {}
    held_back = config_with("1:/pool/web:alice@pve:PVEVMUser", "1:/vms:alice@pve:NoAccess")
    assert permissions(held_back, ALICE, "/vms/100") == {}


@pytest.mark.parametrize(
    ("user", "token", "who", "active"),
    [
        (User(), Token(), ALICE, True),
        (User(enabled=False), Token(), ALICE, False),
        (User(expire_s=100), Token(), ALICE, False),
        (User(expire_s=101), Token(), ALICE, True),
        (User(), Token(), OWN, True),
        (User(), Token(expire_s=100), OWN, False),
        (User(enabled=False), Token(), OWN, False),
        (User(expire_s=99), Token(), OWN, False),
        (User(), Token(), f"{ALICE}!other", False),
        (User(), Token(), BOB, False),
        (User(), Token(), f"{ALICE}!", False),
    ],
)
def test_expired_disabled_and_unknown_are_not_active(user: User, token: Token, who: str, active: bool) -> None:
    user.tokens["own"] = token
    assert is_active(UserConfig({ALICE: user}), who, 100.0) is active


# --- against a second implementation ----------------------------------------------------------------------------------

PATHS = ["/", "/vms", "/vms/100", "/vms/101", "/nodes", "/nodes/alpha", "/pool", "/pool/web", "/storage/local"]
SUBJECTS = [ALICE, BOB, OWN, SAME, "@staff", "@night"]
SOME_ROLES = ["NoAccess", "Tell", "PVEVMUser", "PVEAuditor", "Gone"]
LISTS = st.dictionaries(
    st.sampled_from(PATHS),
    st.dictionaries(
        st.sampled_from(SUBJECTS),
        st.dictionaries(st.sampled_from(SOME_ROLES), st.booleans(), min_size=1, max_size=3),
        max_size=4,
    ),
    max_size=6,
)


def naive_role_holds(config: UserConfig, who: str, path: str, role: str) -> bool:
    """Written from the deepest level up, role by role, with sets of triples instead of a walk."""
    triples = {
        (at, subject, name, below)
        for at, entries in config.lists.items()
        for subject, given_roles in entries.items()
        for name, below in given_roles.items()
        if at == path or (below and (at == "/" or path.startswith(at + "/")))
    }
    by_depth = sorted({at for at, *_ in triples}, key=lambda at: -len(at.rstrip("/")))
    for at in by_depth:
        own = {name for place, subject, name, _ in triples if place == at and subject == who}
        of_groups = {
            name
            for place, subject, name, _ in triples
            if place == at and subject.startswith("@") and who in config.groups[subject[1:]].users
        }
        if own or of_groups:
            deciding = own or of_groups
            return role in deciding and (role == "NoAccess" or "NoAccess" not in deciding)
    return False


def naive_privileges(config: UserConfig, who: str, path: str) -> set[str]:
    user, _, token = who.partition("!")
    if token and not config.users[user].tokens[token].privsep:
        return naive_privileges(config, user, path)
    held = {role for role in SOME_ROLES if naive_role_holds(config, who, path, role)}
    if "NoAccess" not in held and path in ("/vms/100", "/storage/local"):
        of_pool = {role for role in SOME_ROLES if naive_role_holds(config, who, "/pool/web", role)}
        held |= of_pool if "NoAccess" not in of_pool else set()
    found = {privilege for role in held for privilege in (config.roles.get(role) or BUILT_IN.get(role) or ())}
    return found & naive_privileges(config, user, path) if token else found


@settings(max_examples=400)
@given(LISTS, st.sampled_from([ALICE, BOB, OWN, SAME]), st.sampled_from(PATHS))
def test_random_lists_mean_the_same_to_a_naive_reader(
    lists: dict[str, dict[str, dict[str, bool]]], who: str, path: str
) -> None:
    config = UserConfig(
        {ALICE: User(tokens={"own": Token(), "same": Token(privsep=False)}), BOB: User()},
        {"staff": Group({ALICE, BOB}), "night": Group({ALICE})},
        {"web": Pool("", ("100",), ("local",))},
        {"Tell": frozenset({"Sys.Audit"})},
        lists,
    )
    assert set(permissions(config, who, path)) == naive_privileges(config, who, path)
