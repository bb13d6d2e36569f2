"""The door for names, addresses and fingerprints: what passes, in which form, and what is refused with which field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.corosync import names
from cluster.errors import InvalidInput
from cluster.model import Link

FINGERPRINT = ":".join(["0a"] * 32)

# What people and attackers type where a name belongs.
BAD_NAMES = [
    "",
    ".",
    "..",
    "../x",
    "a/b",
    "-alpha",
    "alpha-",
    "al pha",
    "alpha\n",
    "\nalpha",
    "alpha\u200b",
    "\u202ealpha",
    "\u0430lpha",
    "\uff41lpha",
    "alph\u00e4",
    "al\u0000pha",
    "alpha.example",
    "a_b",
    "demo\n}\nquorum {",
    "$(id)",
    "a;b",
]


@pytest.mark.parametrize("value", ["a", "alpha", "pve-1", "A1", "1a", "x" * 63])
def test_a_plain_node_name_passes_unchanged(value):
    assert names.node_name(value) == value


@pytest.mark.parametrize("value", [*BAD_NAMES, "x" * 64, None, 7, True, ["alpha"], {"a": 1}, b"alpha"])
def test_a_bad_node_name_is_refused_at_its_field(value):
    with pytest.raises(InvalidInput) as refusal:
        names.node_name(value, "somewhere")
    assert list(refusal.value.fields) == ["somewhere"]
    assert refusal.value.message.endswith(".")
    assert "\n" not in refusal.value.message


@pytest.mark.parametrize("value", [*BAD_NAMES, "x" * 16, None, 7])
def test_a_bad_cluster_name_is_refused(value):
    with pytest.raises(InvalidInput):
        names.cluster_name(value)


def test_a_cluster_name_has_up_to_fifteen_characters():
    assert names.cluster_name("x" * 15) == "x" * 15


@given(st.text())
def test_whatever_passes_as_a_name_is_ascii_letters_digits_and_hyphens(text):
    try:
        name = names.node_name(text)
    except InvalidInput:
        return
    assert name.isascii() and name.replace("-", "").isalnum() and name == text


@pytest.mark.parametrize(
    ("given_text", "stored"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("fd00::1", "fd00::1"),
        ("FD00:0:0::0001", "fd00::1"),
        ("alpha", "alpha"),
        ("alpha.example.org", "alpha.example.org"),
        ("169.254.1.1", "169.254.1.1"),
    ],
)
def test_an_address_is_returned_in_its_stored_form(given_text, stored):
    assert names.link_address(given_text) == stored


@pytest.mark.parametrize(
    "value",
    [
        "",
        "10.0.0.1\n",
        " 10.0.0.1",
        "10.0.0.1;",
        "$(id)",
        "10.0.0",
        "10.0.0.256",
        "010.0.0.1",
        "10.0.0.1/24",
        "1",
        "0x7f000001",
        "fe80::1%eth0",
        "fe80::1",
        "0.0.0.0",
        "0.1.2.3",
        "::",
        "224.0.0.1",
        "ff02::1",
        "255.255.255.255",
        "127.0.0.1",
        "127.9.9.9",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "localhost",
        "LOCALHOST",
        "x.localhost",
        "localhost.localdomain",
        "a..b",
        "a.",
        "-a.b",
        "a_b",
        "x" * 64,
        ".".join(["abcdefgh"] * 29),
        "10.0.0.1\n}\nquorum {",
        "\uff11\uff10.0.0.1",
        "b\u00fccher.de",
        "a@b",
        "a#b",
        "[fd00::1]",
        "10.0.0.1:8006",
        None,
        3,
        True,
        ["10.0.0.1"],
    ],
)
def test_a_bad_address_is_refused_at_its_field(value):
    with pytest.raises(InvalidInput) as refusal:
        names.link_address(value, "link3")
    assert list(refusal.value.fields) == ["link3"]


@pytest.mark.parametrize("value", ["127.0.0.11", "::1", "localhost"])
def test_loopback_addresses_pass_where_they_are_allowed(value):
    assert names.link_address(value, allow_loopback=True) == value


@pytest.mark.parametrize("value", ["0.0.0.0", "224.0.0.1", "fe80::1%lo", "::ffff:127.0.0.1"])
def test_allowing_loopback_allows_nothing_else(value):
    with pytest.raises(InvalidInput):
        names.link_address(value, allow_loopback=True)


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("10.0.0.1", Link(0, "10.0.0.1")),
        ("address=10.0.0.1", Link(0, "10.0.0.1")),
        ("10.0.0.1,priority=15", Link(0, "10.0.0.1", 15)),
        ("address=fd00::1,priority=0", Link(0, "fd00::1", 0)),
        ("priority=255,address=alpha", Link(0, "alpha", 255)),
    ],
)
def test_a_link_string_gives_address_and_priority(text, link):
    assert names.link_string(0, text) == link


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "priority=3",
        "10.0.0.1,priority=256",
        "10.0.0.1,priority=-1",
        "10.0.0.1,priority=",
        "10.0.0.1,priority=\u0663",
        "10.0.0.1,10.0.0.2",
        "10.0.0.1,priority=1,priority=2",
        "10.0.0.1,color=red",
        "10.0.0.1,priority=1\n",
        "10.0.0.1" + "x" * 400,
        None,
        5,
        ["10.0.0.1"],
    ],
)
def test_a_bad_link_string_is_refused_at_the_field_of_its_link(text):
    with pytest.raises(InvalidInput) as refusal:
        names.link_string(4, text)
    assert list(refusal.value.fields) == ["link4"]


def test_links_come_out_in_the_order_of_their_numbers():
    assert names.links({1: "10.1.0.1", 0: "10.0.0.1,priority=2"}) == (Link(0, "10.0.0.1", 2), Link(1, "10.1.0.1"))


@pytest.mark.parametrize(
    ("values", "field"),
    [({8: "10.0.0.1"}, "link8"), ({-1: "10.0.0.1"}, "link-1"), ({0: "fd00::1", 1: "FD00:0::1"}, "link1")],
)
def test_links_beyond_seven_and_one_address_twice_are_refused(values, field):
    with pytest.raises(InvalidInput) as refusal:
        names.links(values)
    assert list(refusal.value.fields) == [field]


def test_a_fingerprint_is_stored_in_upper_case():
    assert names.fingerprint(FINGERPRINT) == FINGERPRINT.upper()


@pytest.mark.parametrize(
    "value",
    [
        "",
        FINGERPRINT[:-1],
        FINGERPRINT + "\n",
        FINGERPRINT + ":0a",
        FINGERPRINT.replace(":", ""),
        "0g" + FINGERPRINT[2:],
        5,
        None,
    ],
)
def test_a_bad_fingerprint_is_refused(value):
    with pytest.raises(InvalidInput):
        names.fingerprint(value)


@pytest.mark.parametrize("value", [0, 65536, -1, True, 1.0, "1.0", "", " 1", "1\n", "\u0661", None])
def test_a_bad_node_id_is_refused(value):
    with pytest.raises(InvalidInput):
        names.node_id(value)


def test_numbers_may_come_as_text():
    assert (names.node_id("7"), names.votes("0"), names.token_coefficient("125")) == (7, 0, 125)


def test_a_creator_may_not_give_itself_no_vote():
    with pytest.raises(InvalidInput):
        names.votes(0, minimum=1)
