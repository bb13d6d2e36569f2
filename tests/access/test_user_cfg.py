"""Reading and writing `user.cfg` as Proxmox VE has it."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st

from cluster.access import user_cfg
from cluster.access.privileges import BUILT_IN, PRIVILEGES
from cluster.access.user_cfg import Group, Pool, Token, User, UserConfig, parse, render

REAL = b"""\
user:alice@pve:1:0:Alice:Liddell:alice@example.org:curious%3A 50%25:x!yubico:
token:alice@pve!monitor:1893456000:0:for the exporter:
token:alice@pve!deploy:0:1::
user:bob@pam:0:1700000000::::::
user:root@pam:1:0:::root@example.org:::

group:admins:alice@pve,bob@pam:the%C3%A9:

pool:web:two guests:100,101:local:

role:Reader:Sys.Audit,VM.Audit:

acl:1:/:@admins:Administrator:
acl:0:/nodes:alice@pve,bob@pam:PVEAuditor,Reader:
acl:1:/vms:alice@pve!deploy:PVEVMUser:
"""


def test_a_real_file_means_what_it_says() -> None:
    config = parse(REAL)
    alice = config.users["alice@pve"]
    assert (alice.firstname, alice.comment, alice.keys) == ("Alice", "curious: 50%", "x!yubico")
    assert alice.tokens["monitor"] == Token(1893456000, False, "for the exporter")
    assert config.users["bob@pam"] == User(False, 1700000000)
    assert config.groups["admins"] == Group({"alice@pve", "bob@pam"}, "theé")
    assert config.pools["web"] == Pool("two guests", ("100", "101"), ("local",))
    assert config.roles == {"Reader": frozenset({"Sys.Audit", "VM.Audit"})}
    assert config.lists["/nodes"]["bob@pam"] == {"PVEAuditor": False, "Reader": False}
    assert config.unknown == []


def test_a_real_file_is_written_as_it_was_read() -> None:
    # Tokens are sorted by name when written.
    lines = REAL.decode().splitlines()
    lines[1], lines[2] = lines[2], lines[1]
    assert render(parse(REAL)).decode().splitlines() == lines


def test_what_is_not_understood_survives_and_means_nothing() -> None:
    strange = b"vgroup:x:y:\nuser:no-realm:1:0:::::\nacl:1:nodes:alice@pve:PVEAdmin:\nuser:alice@pve:1:0::::::later:\n"
    config = parse(strange)
    assert sorted(config.users) == ["alice@pve", "root@pam"]
    assert config.lists == {}
    written = render(config)
    for line in strange.splitlines():
        assert line in written.splitlines()
    assert render(parse(written)) == written


def test_root_is_always_there_and_enabled_and_its_lists_are_not_written() -> None:
    assert parse(b"").users["root@pam"].enabled
    config = parse(b"user:root@pam:0:5:::::\nacl:1:/:root@pam:NoAccess:\n")
    assert config.users["root@pam"].enabled and config.users["root@pam"].expire_s == 0
    assert b"acl:" not in render(config)


def test_built_in_roles_cannot_be_redefined_by_a_file() -> None:
    assert parse(b"role:NoAccess:Sys.Modify:\n").role("NoAccess") == frozenset()


def test_there_are_47_privileges_and_the_roles_of_the_reference() -> None:
    assert len(PRIVILEGES) == 47
    sizes = {name: len(BUILT_IN[name]) for name in ("Administrator", "PVEAdmin", "PVEVMAdmin", "PVEAuditor")}
    assert sizes == {"Administrator": 47, "PVEAdmin": 40, "PVEVMAdmin": 23, "PVEAuditor": 7}
    assert all(privileges <= PRIVILEGES for privileges in BUILT_IN.values())
    assert len(BUILT_IN) == 17


WORDS = st.text(string.ascii_letters + string.digits, min_size=1, max_size=8)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
USERS = st.builds("{}@pve".format, WORDS)
TIMES = st.integers(0, 2**40)
TOKENS = st.builds(Token, TIMES, st.booleans(), TEXTS)
TOKEN_NAMES = st.builds("t{}".format, WORDS)
ROLES = st.frozensets(st.sampled_from(sorted(PRIVILEGES)), max_size=4)


@st.composite
def configs(draw: st.DrawFn) -> UserConfig:
    user = st.builds(
        User, st.booleans(), TIMES, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, st.dictionaries(TOKEN_NAMES, TOKENS, max_size=2)
    )
    users = draw(st.dictionaries(USERS, user, max_size=4)) | {"root@pam": User()}
    groups = draw(st.dictionaries(WORDS, st.builds(Group, st.sets(st.sampled_from(sorted(users)), max_size=3), TEXTS)))
    subjects = [*(set(users) - {"root@pam"}), *("@" + name for name in groups)]
    entries = st.dictionaries(
        st.sampled_from(subjects or ["@none"]),
        st.dictionaries(st.sampled_from(["PVEAdmin", "NoAccess", "Mine"]), st.booleans(), min_size=1),
        min_size=1,
    )
    lists = draw(st.dictionaries(st.sampled_from(["/", "/nodes", "/vms/100"]), entries))
    pools = draw(st.dictionaries(WORDS, st.builds(Pool, TEXTS, st.just(("100",)), st.just(("local",))), max_size=2))
    roles = draw(st.dictionaries(WORDS.filter(lambda name: name not in BUILT_IN), ROLES, max_size=2))
    return UserConfig(users, groups, pools, roles, lists)


@given(configs())
def test_what_is_written_is_read_again(config: UserConfig) -> None:
    assert parse(render(config)) == config


@given(st.binary(max_size=300))
def test_any_bytes_are_read_and_come_to_rest(data: bytes) -> None:
    written = render(parse(data))
    assert render(parse(written)) == written


def test_lists_are_told_by_their_kind() -> None:
    assert [user_cfg.kind_of(each) for each in ("@a", "b@pve", "b@pve!t")] == ["group", "user", "token"]
