"""The join string: what a member shows reads back as meant, and nothing else gets past the door (T01-T05, T07)."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.corosync import names
from cluster.errors import InvalidInput, NotFound, Unavailable
from cluster.workflow import invitation
from cluster.workflow.invitation import Invitation

FINGERPRINT = ":".join(["AB"] * 32)
TOTEM = {
    "cluster_name": "demo",
    "config_version": "2",
    "interface": {"0": {"linknumber": "0"}},
    "ip_version": "ipv4-6",
    "link_mode": "passive",
    "secauth": "on",
    "token_coefficient": "125",
    "version": "2",
}
ALPHA = {"name": "alpha", "nodeid": "1", "quorum_votes": "1", "ring0_addr": "10.0.0.1"}
JOIN_INFO = {
    "preferred_node": "alpha",
    "config_digest": "0" * 40,
    "totem": TOTEM,
    "nodelist": [
        {"name": "beta", "nodeid": "2", "ring0_addr": "10.0.0.2", "pve_addr": "10.0.0.2", "pve_fp": "?"},
        {**ALPHA, "pve_addr": "10.0.0.1", "pve_fp": FINGERPRINT},
    ],
}
CONTENT = {
    "ipAddress": "10.0.0.1",
    "fingerprint": FINGERPRINT,
    "peerLinks": {"0": "10.0.0.1"},
    "ring_addr": ["10.0.0.1"],
    "totem": TOTEM,
}
MEANT = Invitation("10.0.0.1", FINGERPRINT, "demo", ((0, "10.0.0.1"),))


def packed(content: object) -> str:
    text = content if isinstance(content, str) else json.dumps(content)
    return base64.b64encode(text.encode()).decode()


def without(key: str) -> dict[str, object]:
    return {name: value for name, value in CONTENT.items() if name != key}


def refused(text: object) -> InvalidInput:
    with pytest.raises(InvalidInput) as refusal:
        invitation.decode(text)
    assert list(refusal.value.fields) == ["invitation"]
    assert refusal.value.message.endswith(".") and "\n" not in refusal.value.message
    return refusal.value


# --- what is meant ----------------------------------------------------------------------------------------------------


def test_the_string_of_the_preferred_node_holds_what_proxmox_ve_puts_in():
    assert json.loads(base64.b64decode(invitation.encode(JOIN_INFO))) == CONTENT


def test_it_reads_back_as_meant():
    assert invitation.decode(invitation.encode(JOIN_INFO)) == MEANT
    assert MEANT.address_optional and MEANT.warnings == ()


def test_it_is_described_for_the_site():
    assert invitation.describe(packed(CONTENT)) == {
        "address": "10.0.0.1",
        "fingerprint": FINGERPRINT,
        "cluster_name": "demo",
        "links": [{"number": 0, "peer_address": "10.0.0.1"}],
        "address_optional": True,
        "warnings": [],
        "token": "",
        "cluster_uuid": "",
    }


def test_two_links_come_with_the_peers_address_on_each_and_need_an_address_on_each():
    totem = {**TOTEM, "interface": {"1": {"linknumber": "1", "knet_link_priority": "5"}, "0": {"linknumber": "0"}}}
    node = {**ALPHA, "ring1_addr": "fd00::1", "pve_addr": "10.0.0.1", "pve_fp": FINGERPRINT}
    read = invitation.decode(invitation.encode({**JOIN_INFO, "totem": totem, "nodelist": [node]}))
    assert read.links == ((0, "10.0.0.1"), (1, "fd00::1"))
    assert not read.address_optional


def test_with_a_link_apart_from_the_main_address_the_own_address_has_to_be_given():
    content = {**CONTENT, "ipAddress": "192.0.2.1"}
    assert not invitation.decode(packed(content)).address_optional


def test_older_strings_without_peer_links_still_read():
    read = invitation.decode(packed(without("peerLinks")))
    assert read == MEANT
    bare = {key: CONTENT[key] for key in ("ipAddress", "fingerprint", "totem")}
    read = invitation.decode(packed(bare))
    assert read.links == ((0, None),)
    assert not read.address_optional and len(read.warnings) == 1


def test_a_cluster_without_interface_sections_has_the_links_the_peer_has():
    totem = {"cluster_name": "demo"}
    content = {**CONTENT, "totem": totem, "peerLinks": {"2": "10.0.0.1"}}
    assert invitation.decode(packed(content)).links == ((2, "10.0.0.1"),)
    assert invitation.decode(packed({**without("peerLinks"), "totem": totem})).links == ((0, "10.0.0.1"),)


def test_unknown_keys_are_passed_over():
    assert invitation.decode(packed({**CONTENT, "later": {"x": [1, 2.5, None, "]}["]}})) == MEANT


def test_a_loopback_cluster_can_be_joined():
    content = {**CONTENT, "ipAddress": "127.0.0.11", "peerLinks": {"0": "127.0.0.11"}, "ring_addr": ["127.0.0.11"]}
    assert invitation.decode(packed(content)).address == "127.0.0.11"


def test_no_string_is_made_for_a_node_that_is_not_there_or_not_known_yet():
    with pytest.raises(NotFound):
        invitation.encode({**JOIN_INFO, "preferred_node": "gamma"})
    with pytest.raises(Unavailable):
        invitation.encode({**JOIN_INFO, "nodelist": [{**ALPHA, "pve_addr": "10.0.0.1", "pve_fp": ""}]})


# --- T01, T02: what is not even base64 --------------------------------------------------------------------------------

GOOD = packed(CONTENT)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "%" + GOOD[1:],
        GOOD.rstrip("=")[:-1],
        GOOD + "=",
        GOOD + "====",
        "=" + GOOD,
        " " + GOOD,
        GOOD + "\n",
        GOOD[:40] + "\n" + GOOD[40:],
        GOOD[:40] + "\u200b" + GOOD[40:],
        GOOD.replace("e", "\u0435", 1),
        base64.b64encode(b"\xff\xfe\xfd").decode(),
        "not a join string",
        None,
        7,
        ["x"],
        b"bytes",
    ],
)
def test_t01_what_is_not_base64_of_text_is_refused(text):
    refused(text)


@pytest.mark.parametrize("size", [4097, 10_000_000])
def test_t02_a_long_string_is_refused_before_it_is_decoded(size):
    assert "4096" in refused("A" * size).message


@pytest.mark.parametrize("length", range(0, len(GOOD), 7))
def test_every_truncation_is_refused(length):
    refused(GOOD[:length])


# --- T03: what is not the JSON we read --------------------------------------------------------------------------------

INNER = json.dumps(CONTENT)[1:-1]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 3000,
        '{"a":' * 600,
        '{"totem":' + "[" * 9 + "]" * 9 + "}",
        "{" + INNER + ',"fingerprint":"x"}',
        '{"totem":{"cluster_name":"a","cluster_name":"b"},' + INNER.replace('"totem"', '"other"') + "}",
        "{" + INNER + ',"x":NaN}',
        "{" + INNER + ',"x":-Infinity}',
        "{" + INNER + ',"x":1e400}',
        "{" + INNER + ",}",
        "{" + INNER + "} trailing",
        "{" + INNER + ',"x":"\n"}',
        "{" + INNER + ',"x":' + "9" * 2000 + "}}",
        "null",
        "[]",
        '"totem"',
        "{}",
        '{"kind":"invoice"}',
        "\ufeff{" + INNER + "}",
        '"' + "\\" * 2501,
    ],
    ids=lambda text: text[:20],
)
def test_t03_what_is_not_strict_and_shallow_json_with_a_totem_is_refused(text):
    refused(packed(text))


# --- T04, T05, T07: wrong types and wrong values ----------------------------------------------------------------------

WRONG = [None, 5, 1.5, True, [], ["x"], {}, {"x": 1}]


@pytest.mark.parametrize("key", ["ipAddress", "fingerprint"])
@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_t04_a_wrong_type_is_refused_naming_the_key(key, value):
    assert key in refused(packed({**CONTENT, key: value})).message


@pytest.mark.parametrize("value", [None, 5, True, "x", []], ids=repr)
@pytest.mark.parametrize("key", ["totem", "peerLinks"])
def test_t04_an_object_of_another_type_is_refused_naming_the_key(key, value):
    assert key in refused(packed({**CONTENT, key: value})).message


@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_t04_a_cluster_name_of_another_type_is_refused(value):
    assert "cluster_name" in refused(packed({**CONTENT, "totem": {**TOTEM, "cluster_name": value}})).message


@pytest.mark.parametrize(
    "interface",
    [
        5,
        [],
        "0",
        {"0": "0"},
        {"0": {"linknumber": 0}},
        {"0": {"linknumber": "8"}},
        {"0": {"linknumber": "-1"}},
        {"0": {"linknumber": "00"}},
        {"0": {"linknumber": "0"}, "1": {"linknumber": "0"}},
        {"eth0": {}},
        {"0": {"linknumber": "\u0660"}},
    ],
    ids=repr,
)
def test_t04_bad_links_are_refused_naming_where(interface):
    assert "interface" in refused(packed({**CONTENT, "totem": {**TOTEM, "interface": interface}})).message


@pytest.mark.parametrize("peers", [{"0": 1}, {"0": "10.0.0.1\n}"}, {"9": "10.0.0.1"}, {"0": "fe80::1%eth0"}], ids=repr)
def test_t04_bad_peer_links_are_refused_naming_where(peers):
    assert "peerLinks" in refused(packed({**CONTENT, "peerLinks": peers})).message


@pytest.mark.parametrize("listed", [[1], ["x y"], ["10.0.0.1"] * 9, "10.0.0.1", {}], ids=repr)
def test_t04_bad_ring_addresses_are_refused_naming_where(listed):
    assert "ring_addr" in refused(packed({**CONTENT, "ring_addr": listed})).message


@pytest.mark.parametrize("key", ["ipAddress", "fingerprint", "totem"])
def test_a_string_without_what_a_join_needs_is_refused(key):
    refused(packed(without(key)))


@pytest.mark.parametrize(
    "name", ["de\u200bmo", "\u202eomed", "d\u0435mo", "\uff44emo", "d\u00e9mo", "demo.", "", "x" * 16]
)
def test_t05_a_cluster_name_that_only_looks_like_one_is_refused(name):
    message = refused(packed({**CONTENT, "totem": {**TOTEM, "cluster_name": name}})).message
    assert not name or name not in message, "what was pasted is not shown back"


@pytest.mark.parametrize(
    "address", ["10.0.0.1\n", "10.0.0.1/x", "root@10.0.0.1", "10.0.0.1:8006", "0.0.0.0", "", "a b"]
)
def test_an_address_that_is_none_is_refused(address):
    refused(packed({**CONTENT, "ipAddress": address}))


@pytest.mark.parametrize("fingerprint", ["", FINGERPRINT[:-1], FINGERPRINT + "\n", FINGERPRINT.replace("AB", "XY", 1)])
def test_a_fingerprint_that_is_none_is_refused(fingerprint):
    refused(packed({**CONTENT, "fingerprint": fingerprint}))


def test_t07_a_name_that_would_open_a_section_in_corosync_conf_is_refused():
    refused(packed({**CONTENT, "totem": {**TOTEM, "cluster_name": "x\n}\nquorum {"}}))


# --- whatever is pasted -----------------------------------------------------------------------------------------------

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.text(max_size=100) | st.binary(max_size=100).map(lambda data: base64.b64encode(data).decode()))
def test_any_text_is_read_or_refused_in_words(text):
    refused(text)


@given(st.sampled_from([*CONTENT, "cluster_name", "interface"]), JSON_VALUES)
def test_any_value_in_any_place_is_read_as_it_stands_or_refused_in_words(key, value):
    content = {**CONTENT, key: value} if key in CONTENT else {**CONTENT, "totem": {**TOTEM, key: value}}
    try:
        read = invitation.decode(packed(content))
    except InvalidInput as error:
        assert list(error.fields) == ["invitation"]
        return
    as_it_was = {"ipAddress": MEANT.address, "fingerprint": FINGERPRINT, "cluster_name": "demo"}
    stands = {name: (value if name == key else meant) for name, meant in as_it_was.items()}
    assert [read.address, read.fingerprint, read.cluster_name] == list(stands.values())


@given(st.integers(0, len(GOOD) - 1), st.characters(codec="ascii"))
def test_one_changed_character_is_refused_or_leaves_only_values_that_passed_the_door(place, character):
    try:
        read = invitation.decode(GOOD[:place] + character + GOOD[place + 1 :])
    except InvalidInput:
        return
    assert names.fingerprint(read.fingerprint) == read.fingerprint
    assert names.cluster_name(read.cluster_name) == read.cluster_name
    assert names.link_address(read.address, allow_loopback=True) == read.address
