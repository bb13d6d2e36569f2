"""The other files of access: realms, hashes, tokens, second factors, and the grammar of section files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.access import domains, edits, hashes, names, sections, text, tfa, user_cfg
from cluster.access.sections import Section
from cluster.access.user_cfg import Token, User
from cluster.errors import Conflict, InvalidInput, NotFound
from tests.cast import ALICE, BOB

REALMS = b"""\
# kept by hand
pam: pam
\tcomment Linux PAM standard authentication

pve: pve
\tcomment built in
\tdefault 1

ldap: office
\tcomment the office
\tbase_dn dc=example,dc=org
\tserver1 10.0.0.5
\tuser_attr uid
\tfrom_the_future yes please
\tsecure
"""


def test_realms_are_read_and_written_as_they_were_but_for_comments() -> None:
    realms = domains.parse(REALMS)
    assert list(realms) == ["pam", "pve", "office"]
    assert realms["office"].is_on("secure") and realms["pve"].is_on("default")
    assert realms["office"].properties["from_the_future"] == "yes please"
    assert domains.render(realms) == REALMS.partition(b"\n")[2]


def test_pam_and_pve_are_there_without_a_file() -> None:
    assert list(domains.parse(b"")) == ["pam", "pve"]


def test_a_realm_is_added_changed_and_removed() -> None:
    realms = domains.parse(REALMS)
    domains.add(realms, "openid", "cloud", {"issuer-url": "https://id.example", "client-id": "quire", "default": "1"})
    assert not realms["pve"].is_on("default") and realms["cloud"].is_on("default")
    domains.change(realms, "office", {"port": "636"}, ("comment",))
    assert realms["office"].properties["port"] == "636" and "comment" not in realms["office"].properties
    domains.remove(realms, "cloud")
    for act in (
        lambda: domains.remove(realms, "cloud"),
        lambda: domains.remove(realms, "pam"),
        lambda: domains.add(realms, "ldap", "office", {}),
        lambda: domains.add(realms, "pam", "other", {}),
        lambda: domains.add(realms, "ldap", "x y", {}),
        lambda: domains.add(realms, "ldap", "third", {"base_dn": "dc=x"}),
        lambda: domains.change(realms, "office", {"issuer-url": "https://id.example"}, ()),
        lambda: domains.change(realms, "office", {"comment": "a\nldap: evil"}, ()),
        lambda: domains.change(realms, "office", {}, ("server1",)),
    ):
        with pytest.raises((InvalidInput, Conflict, NotFound)):
            act()


def test_a_line_that_is_no_section_is_named() -> None:
    with pytest.raises(InvalidInput, match="Line 2"):
        sections.parse(b"pam: pam\nwhat is this\n")


KEYS = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True)
VALUES = st.from_regex(r"[!-~]([ -~]{0,12}[!-~])?", fullmatch=True) | st.just("")
SECTIONS = st.builds(Section, KEYS, KEYS, st.dictionaries(KEYS, VALUES, max_size=4))


@given(st.lists(SECTIONS, max_size=4))
def test_sections_are_read_as_they_were_written(written: list[Section]) -> None:
    assert sections.parse(sections.render(written)) == written


def test_hashes_of_passwords_keep_their_lines() -> None:
    data = b"alice:$5$abc$def:\nbob:$argon2id$v=19$m=1,t=2,p=3$xyz:\nstrange line\n"
    found = hashes.parse_shadow(data)
    assert found.of == {"alice": "$5$abc$def", "bob": "$argon2id$v=19$m=1,t=2,p=3$xyz"}
    assert hashes.render_shadow(found) == data
    assert "abc" not in repr(found)


def test_values_of_tokens_keep_their_lines() -> None:
    data = b"alice@pve!monitor 0d9ec5b7-1c3c-4b2a-9d3a-5f4a3c2b1a00\nnonsense\n"
    found = hashes.parse_tokens(data)
    assert list(found.of) == ["alice@pve!monitor"]
    assert hashes.render_tokens(found) == data
    assert "0d9ec5b7" not in repr(found)


TFA = b"""{"users":{"alice@pve":{"totp":[{"id":"t1","description":"phone","created":1700000000,"enable":true,"entry":\
"otpauth://totp/alice?secret=JBSWY3DPEHPK3PXP"}],"recovery":{"secret":"aa","entries":["h1",null],"created":1},\
"from-the-future":{"x":1}}},"later":[1]}"""


def test_second_factors_are_kept_with_what_is_not_known() -> None:
    assert tfa.render(tfa.parse(TFA)) == TFA


def test_second_factors_are_described_without_secrets() -> None:
    described = tfa.parse(TFA).described(ALICE)
    assert [entry["id"] for entry in described] == ["t1", "recovery"]
    assert "JBSWY3DPEHPK3PXP" not in str(described) and "h1" not in str(described)
    assert tfa.parse(TFA).kinds(ALICE) == ["recovery", "totp"]
    assert tfa.parse(TFA).kinds(BOB) == []


def test_a_user_without_a_factor_left_is_forgotten() -> None:
    factors = tfa.parse(b'{"users":{"alice@pve":{"totp":[{"id":"t1","entry":"x"}]}}}')
    factors.remove(ALICE, "t1")
    assert factors.content["users"] == {}
    with pytest.raises(NotFound):
        factors.remove(ALICE, "t1")


def test_eight_wrong_codes_lock_the_authenticator_and_a_recovery_code_unlocks_it() -> None:
    factors = tfa.parse(TFA)
    for count in range(8):
        assert not factors.is_locked(ALICE, "totp", 0.0), count
        factors.failed(ALICE, "totp", 0.0)
    assert factors.is_locked(ALICE, "totp", 1e12) and not factors.is_locked(ALICE, "recovery", 0.0)
    factors.succeeded(ALICE, "recovery")
    assert not factors.is_locked(ALICE, "totp", 0.0)


def test_t19_a_hundred_wrong_codes_of_another_kind_lock_for_an_hour() -> None:
    factors = tfa.parse(TFA)
    for _ in range(100):
        factors.failed(ALICE, "recovery", 1000.0)
    assert factors.is_locked(ALICE, "recovery", 4599.0) and factors.is_locked(ALICE, "totp", 4599.0)
    assert not factors.is_locked(ALICE, "recovery", 4600.0)
    assert factors.unlock(ALICE) and not factors.unlock(ALICE)


@pytest.mark.parametrize("data", [b"[]", b"{", b'{"users":[]}', b"[" * 100_000])
def test_a_damaged_file_of_second_factors_lets_nobody_in(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        tfa.parse(data)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_free_text_survives_its_escaping(free: str) -> None:
    escaped = text.encode(free)
    assert text.decode(escaped) == free and ":" not in escaped and escaped.isascii() and escaped.isprintable()


@pytest.mark.parametrize(
    ("given_path", "clean"),
    [
        ("/", "/"), ("//", "/"), ("/nodes/", "/nodes"), ("/nodes/alpha", "/nodes/alpha"), ("/vms/100", "/vms/100"),
        ("/access/groups/staff", "/access/groups/staff"), ("/access/realm/pve", "/access/realm/pve"),
        ("/pool/a/b/c", "/pool/a/b/c"), ("/sdn/zones/z", "/sdn/zones/z"), ("/mapping/pci/x", "/mapping/pci/x"),
        ("nodes", None), ("", None), ("/nodes/..", None), ("/nodes/a/b", None), ("/pool/a/b/c/d", None),
        ("/other", None), ("/access/realm/1", None), ("/access/users/x", None), ("/nodes/a b", None),
        ("/nodes/a\n", None), ("/vms/" + "1" * 300, None),
    ],
)  # fmt: skip
def test_paths_rights_can_be_given_on(given_path: str, clean: str | None) -> None:
    if clean is not None:
        assert names.clean_path(given_path) == clean
        return
    with pytest.raises(InvalidInput):
        names.clean_path(given_path)


# --- edits ------------------------------------------------------------------------------------------------------------


def config() -> user_cfg.UserConfig:
    made = user_cfg.parse(b"user:alice@pve:1:0:::::\nuser:bob@pve:1:0:::::\ngroup:staff:alice@pve::\n")
    edits.add_token(made, ALICE, "ci", Token())
    edits.add_role(made, "Mine", ["Sys.Audit"])
    edits.give(made, "/nodes", [ALICE, "@staff", f"{ALICE}!ci"], ["Mine"], True)
    return made


def test_removing_a_user_leaves_no_trace_of_it() -> None:
    made = config()
    edits.remove_user(made, ALICE)
    assert b"alice" not in user_cfg.render(made)
    assert made.lists == {"/nodes": {"@staff": {"Mine": True}}}


def test_a_user_made_anew_has_nothing_of_the_former_one() -> None:
    made = config()
    edits.remove_user(made, ALICE)
    edits.add_user(made, ALICE, User(), [])
    assert made.groups_of(ALICE) == [] and ALICE not in made.lists["/nodes"]


def test_removing_a_group_or_a_token_takes_its_rights_along() -> None:
    made = config()
    edits.remove_group(made, "staff")
    edits.remove_token(made, ALICE, "ci")
    assert made.lists == {"/nodes": {ALICE: {"Mine": True}}}
    edits.take(made, "/nodes", [ALICE], ["Mine"])
    assert made.lists == {}


def test_a_role_in_use_stays() -> None:
    made = config()
    with pytest.raises(Conflict):
        edits.remove_role(made, "Mine")
    edits.take(made, "/nodes", [ALICE, "@staff", f"{ALICE}!ci"], ["Mine"])
    edits.remove_role(made, "Mine")
    assert made.roles == {}


def test_groups_are_set_or_added_to() -> None:
    made = config()
    edits.add_group(made, "night", "")
    edits.set_groups(made, ALICE, ["night"], append=True)
    assert made.groups_of(ALICE) == ["night", "staff"]
    edits.set_groups(made, ALICE, ["night"], append=False)
    assert made.groups_of(ALICE) == ["night"]


def test_what_makes_no_sense_is_refused() -> None:
    made = config()
    before = user_cfg.render(made)
    for act in (
        lambda: edits.add_user(made, ALICE, User(), []),
        lambda: edits.add_user(made, "al ice@pve", User(), []),
        lambda: edits.add_user(made, "a:b@pve", User(), []),
        lambda: edits.remove_user(made, "root@pam"),
        lambda: edits.remove_user(made, "charlie@pve"),
        lambda: edits.add_token(made, ALICE, "ci", Token()),
        lambda: edits.add_token(made, ALICE, "1", Token()),
        lambda: edits.remove_token(made, BOB, "ci"),
        lambda: edits.add_group(made, "staff", ""),
        lambda: edits.add_group(made, "a,b", ""),
        lambda: edits.add_role(made, "PVEMine", []),
        lambda: edits.add_role(made, "pvemine", []),
        lambda: edits.add_role(made, "Administrator", []),
        lambda: edits.add_role(made, "Other", ["Sys.Everything"]),
        lambda: edits.change_role(made, "NoAccess", ["Sys.Audit"], append=True),
        lambda: edits.set_groups(made, ALICE, ["gone"], append=True),
        lambda: edits.give(made, "/", [ALICE], ["Gone"], True),
        lambda: edits.give(made, "/", ["charlie@pve"], ["Mine"], True),
        lambda: edits.give(made, "/", ["@gone"], ["Mine"], True),
        lambda: edits.give(made, "/", [f"{BOB}!ci"], ["Mine"], True),
    ):
        with pytest.raises((InvalidInput, Conflict, NotFound)):
            act()
    assert user_cfg.render(made) == before
