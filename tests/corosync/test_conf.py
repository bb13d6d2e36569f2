"""corosync.conf: golden texts, what parsing refuses, what edits do, and that what is written reads back the same."""

import hashlib
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.corosync import conf
from cluster.corosync.conf import Document, Section
from cluster.errors import Conflict, InvalidInput, NotFound
from cluster.model import Link, Node

GOLDEN = """\
logging {
  debug: off
  to_syslog: yes
}

nodelist {
  node {
    name: node1
    nodeid: 1
    quorum_votes: 1
    ring0_addr: 192.0.2.11
  }
}

quorum {
  provider: corosync_votequorum
}

totem {
  cluster_name: demo
  config_version: 1
  interface {
    linknumber: 0
  }
  ip_version: ipv4-6
  link_mode: passive
  secauth: on
  token_coefficient: 125
  version: 2
}

"""

GOLDEN_TWO_LINKS = """\
logging {
  debug: off
  to_syslog: yes
}

nodelist {
  node {
    name: node1
    nodeid: 7
    quorum_votes: 2
    ring0_addr: 198.51.100.1
    ring1_addr: 203.0.113.1
  }
}

quorum {
  provider: corosync_votequorum
}

totem {
  cluster_name: demo
  config_version: 1
  interface {
    knet_link_priority: 15
    linknumber: 0
  }
  interface {
    knet_link_priority: 20
    linknumber: 1
  }
  ip_version: ipv4-6
  link_mode: passive
  secauth: on
  token_coefficient: 125
  version: 2
}

"""

ALPHA = Node("alpha", 1, 1, (Link(0, "10.0.0.1"),))
BETA = Node("beta", 2, 1, (Link(0, "10.0.0.2"),))
GAMMA = Node("gamma", 3, 1, (Link(0, "10.0.0.3"),))


def three_nodes() -> Document:
    return conf.add_node(conf.add_node(conf.new("demo", ALPHA), BETA), GAMMA)


# --- golden -------------------------------------------------------------------------------------------------------


def test_a_new_cluster_is_written_as_proxmox_ve_writes_it():
    document = conf.new("demo", Node("node1", 1, 1, (Link(0, "192.0.2.11"),)))
    assert conf.render(document) == GOLDEN


def test_links_with_priorities_node_id_and_votes_are_written_as_proxmox_ve_writes_them():
    links = (Link(0, "198.51.100.1", 15), Link(1, "203.0.113.1", 20))
    assert conf.render(conf.new("demo", Node("node1", 7, 2, links))) == GOLDEN_TWO_LINKS


def test_a_priority_of_zero_is_not_written():
    assert conf.render(conf.new("demo", Node("node1", 1, 1, (Link(0, "192.0.2.11", 0),)))) == GOLDEN


@pytest.mark.parametrize("text", [GOLDEN, GOLDEN_TWO_LINKS])
def test_reading_and_writing_a_golden_text_changes_no_byte(text):
    assert conf.render(conf.parse(text)) == text


def test_nodes_are_written_in_the_order_of_their_names_and_interfaces_of_their_numbers_as_text():
    links = tuple(Link(number, f"10.{number}.0.1") for number in (0, 2, 1))
    document = conf.new("demo", Node("zeta", 1, 1, links))
    moved = tuple(Link(link.number, f"10.{link.number}.0.2") for link in links)
    text = conf.render(conf.add_node(document, Node("alpha", 2, 1, moved)))
    assert text.index("name: alpha") < text.index("name: zeta")
    assert text.index("linknumber: 0") < text.index("linknumber: 1") < text.index("linknumber: 2")


# --- what can be asked of a document --------------------------------------------------------------------------------


def test_a_document_tells_name_version_and_nodes_with_their_link_priorities():
    document = conf.parse(GOLDEN_TWO_LINKS)
    assert (document.cluster_name, document.config_version) == ("demo", 1)
    assert document.nodes() == (Node("node1", 7, 2, (Link(0, "198.51.100.1", 15), Link(1, "203.0.113.1", 20))),)
    assert document.link_numbers() == (0, 1)


def test_the_totem_section_is_given_to_the_api_as_strings():
    assert conf.parse(GOLDEN).totem_section() == {
        "cluster_name": "demo",
        "config_version": "1",
        "interface": {"0": {"linknumber": "0"}},
        "ip_version": "ipv4-6",
        "link_mode": "passive",
        "secauth": "on",
        "token_coefficient": "125",
        "version": "2",
    }


def test_the_nodes_are_given_to_the_api_as_strings():
    expected = {"name": "node1", "nodeid": "1", "quorum_votes": "1", "ring0_addr": "192.0.2.11"}
    assert conf.parse(GOLDEN).node_sections() == [expected]


def test_an_empty_file_is_a_stand_alone_node():
    document = conf.parse("")
    assert document == Document(Section())
    assert (document.cluster_name, document.config_version, document.nodes()) == ("", 0, ())
    assert document.totem_section() is None
    assert document.node_sections() == []


def test_the_digest_is_that_of_the_text_as_it_stands():
    assert conf.digest(GOLDEN) == conf.digest(GOLDEN.encode()) == hashlib.sha1(GOLDEN.encode()).hexdigest()


def test_a_node_without_votes_written_has_one():
    assert conf.parse(GOLDEN.replace("    quorum_votes: 1\n", "")).nodes()[0].votes == 1


def test_old_files_without_names_and_with_ringnumber_are_understood():
    text = GOLDEN.replace("    name: node1\n", "").replace("linknumber", "ringnumber")
    document = conf.parse(text)
    assert document.nodes()[0].name == "192.0.2.11"
    assert document.totem_section()["interface"] == {"0": {"ringnumber": "0"}}
    newer = conf.parse(text.replace("ring0_addr", "link0_addr"))
    assert newer.nodes()[0].links == (Link(0, "192.0.2.11"),)


@pytest.mark.parametrize("value", ["x", "0", "-1", "70000"])
def test_an_unusable_node_id_is_named_with_its_node(value):
    with pytest.raises(InvalidInput, match="node1"):
        conf.parse(GOLDEN.replace("nodeid: 1", f"nodeid: {value}")).nodes()


# --- parsing --------------------------------------------------------------------------------------------------------


def test_comments_blank_lines_and_layout_do_not_matter():
    text = "# first\ntotem  {# yes\n\n\tversion:   2 # two\r\n  interface { linknumber: 0 }\n }\n"
    document = conf.parse(text)
    assert document.totem.get("version") == "2"
    assert document.totem_section()["interface"] == {"0": {"linknumber": "0"}}


def test_unknown_keys_and_sections_survive_an_edit():
    unknown = "  fancy_key: some/value=1\n  logger_subsys {\n    subsys: QUORUM\n  }\n"
    text = GOLDEN.replace("  debug: off\n", "  debug: off\n" + unknown)
    text = text.replace("    nodeid: 1\n", "    colour: blue\n    nodeid: 1\n")
    written = conf.render(conf.add_node(conf.parse(text), BETA))
    assert unknown in written
    assert "    colour: blue\n    name: node1\n" in written


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("totem {\n  version : 2\n}", 2),
        ("totem {\n  version:2\n}", 2),
        ("totem {\n  version:\n}", 2),
        ("totem {\n  version: 2\n", 3),
        ("totem {\n}\n}\n", 3),
        ("totem {\n}\ntotem {\n}\n", 3),
        ("totem {\n  a: 1\n  a: 2\n}\n", 3),
        ("totem {\n  a: b c\n}\n", 2),
        ("totem {\n  a: x{y\n}\n", 2),
        ("totem {\n  a: {\n}\n", 2),
        ("totem {\n  \u0430: 1\n}\n", 2),
        ("totem {\n  a: b\u2028c:\n}\n", 2),
        ("totem {\n  a: b\x85\n}\n", 2),
        ("totem {\n  a: b\x1bc\n}\n", 2),
        ("totem {\n  a: b\x00c\n}\n", 2),
        ("totem {\n  : 2\n}\n", 2),
        ("totem {\n  a: 1\n  a {\n  }\n}\n", 4),
        ("totem {\n  a {\n  }\n  a: 1\n}\n", 4),
        ("{\n}\n", 1),
        ("totem\n", 1),
        ("a {\n" * 7, 7),
        ("totem {\n  a: " + "x" * 256 + "\n}\n", 2),
    ],
)
def test_what_cannot_be_read_in_one_way_only_is_refused_with_its_line(text, line):
    with pytest.raises(InvalidInput, match=f"line {line}:") as refusal:
        conf.parse(text)
    assert "\n" not in refusal.value.message


def test_a_file_beyond_the_size_cap_or_not_text_is_refused():
    with pytest.raises(InvalidInput, match="larger than 256 KiB"):
        conf.parse(b"#" * (256 * 1024 + 1))
    with pytest.raises(InvalidInput, match="UTF-8"):
        conf.parse(b"totem {\xff}")


@given(st.text(alphabet=st.sampled_from("ab1:{}# \n\t\r\x85\u2028_-./\x00é"), max_size=60))
def test_any_text_is_either_read_or_refused_in_words(text):
    try:
        document = conf.parse(text)
    except InvalidInput as error:
        assert error.message.endswith(".")
        return
    assert conf.parse(conf.render(document)).root == document.root


# --- writing --------------------------------------------------------------------------------------------------------

KEYS = st.from_regex(r"[a-z][a-z0-9_.-]{0,12}", fullmatch=True)
PRINTABLE = st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="{}#")
VALUES = st.text(PRINTABLE, min_size=1, max_size=20)


def sections(depth: int) -> st.SearchStrategy[Section]:
    values = st.dictionaries(KEYS, VALUES, max_size=4)
    if depth == 0:
        return values.map(Section.of)
    inner = st.dictionaries(KEYS, sections(depth - 1), max_size=3)
    return st.tuples(values, inner).map(
        lambda pair: Section.of(pair[0], [(name, section) for name, section in pair[1].items() if name not in pair[0]])
    )


@given(sections(2))
def test_what_is_written_reads_back_the_same(root):
    text = conf.render(Document(root))
    assert conf.parse(text).root == root
    assert conf.render(conf.parse(text)) == text


NODE_NAMES = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)


@given(st.lists(NODE_NAMES, min_size=1, max_size=6, unique=True), st.integers(1, 3), st.randoms())
@settings(max_examples=50)
def test_nodes_added_in_any_order_read_back_and_verify(node_names, link_count, random):
    def links(index: int) -> tuple[Link, ...]:
        return tuple(Link(number, f"10.{number}.0.{index + 1}") for number in range(link_count))

    document = conf.new("demo", Node(node_names[0], random.randint(1, 9), 1, links(0)))
    for index, name in enumerate(node_names[1:], start=1):
        document = conf.add_node(document, conf.plan_node(document, name, links(index)))
    again = conf.parse(conf.render(document))
    assert again == document
    assert {node.name for node in again.nodes()} == set(node_names)
    assert again.config_version == len(node_names)
    assert conf.verify(again).ok


NASTY = [
    "a b",
    "a\nb",
    "a}\nquorum {",
    "a{",
    "}",
    "a#b",
    "",
    "x" * 256,
    "a\tb",
    "a\x00",
    "a\x7f",
    "ä",
    "a\u2028b",
    "a\x85",
    "a\r",
]


@pytest.mark.parametrize("value", NASTY)
def test_a_value_that_could_read_as_something_else_is_never_written(value):
    with pytest.raises(InvalidInput):
        conf.render(Document(Section.of({}, [("totem", Section.of({"cluster_name": value}))])))


@pytest.mark.parametrize("key", ["a b", "a:", "a\n", "}", "", "a{", "#a", "é", "x" * 65])
def test_a_key_that_could_read_as_something_else_is_never_written(key):
    for section in (Section.of({key: "1"}), Section.of({}, [(key, Section())])):
        with pytest.raises(InvalidInput):
            conf.render(Document(Section.of({}, [("totem", section)])))


def test_a_document_that_reads_back_differently_is_never_written():
    twice = Section.of({}, [("interface", Section()), ("totem", Section()), ("totem", Section())])
    with pytest.raises(InvalidInput):
        conf.render(Document(twice))


@pytest.mark.parametrize("name", ["demo\n}\nquorum {", "../x", "-x", "", "a" * 16, "de mo"])
def test_no_cluster_is_made_with_a_bad_name(name):
    with pytest.raises(InvalidInput) as refusal:
        conf.new(name, ALPHA)
    assert list(refusal.value.fields) == ["clustername"]


@pytest.mark.parametrize(
    ("node", "field"),
    [
        (Node("al\npha", 1, 1, ALPHA.links), "node"),
        (Node("alpha", 0, 1, ALPHA.links), "nodeid"),
        (Node("alpha", 1, -1, ALPHA.links), "votes"),
        (Node("alpha", 1, 1, ()), "link0"),
        (Node("alpha", 1, 1, (Link(0, "10.0.0.1\n}"),)), "link0"),
        (Node("alpha", 1, 1, (Link(2, "10.0.0.1,priority=3"),)), "link2"),
        (Node("alpha", 1, 1, (Link(8, "10.0.0.1"),)), "link8"),
    ],
)
def test_no_cluster_is_made_with_a_bad_node(node, field):
    with pytest.raises(InvalidInput) as refusal:
        conf.new("demo", node)
    assert list(refusal.value.fields) == [field]


# --- edits ----------------------------------------------------------------------------------------------------------


def test_adding_and_removing_a_node_raise_the_version_and_leave_the_original_alone():
    first = conf.new("demo", ALPHA)
    second = conf.add_node(first, BETA)
    third = conf.remove_node(second, "beta")
    assert [document.config_version for document in (first, second, third)] == [1, 2, 3]
    assert [document.nodes() for document in (first, second, third)] == [(ALPHA,), (ALPHA, BETA), (ALPHA,)]


def test_the_next_node_id_is_the_lowest_unused():
    document = conf.remove_node(three_nodes(), "beta")
    assert document.next_node_id() == 2
    assert conf.plan_node(document, "delta", [Link(0, "10.0.0.4")]) == Node("delta", 2, 1, (Link(0, "10.0.0.4"),))


def test_zero_votes_are_written_as_asked():
    document = conf.add_node(conf.new("demo", ALPHA), Node("beta", 2, 0, BETA.links))
    assert conf.parse(conf.render(document)).node("beta").votes == 0


@pytest.mark.parametrize(
    ("node", "fields"),
    [
        (Node("beta", 4, 1, (Link(0, "10.0.0.4"),)), ["node"]),
        (Node("delta", 2, 1, (Link(0, "10.0.0.4"),)), ["nodeid"]),
        (Node("delta", 4, 1, (Link(0, "10.0.0.2"),)), ["link0"]),
    ],
)
def test_a_name_id_or_address_already_taken_is_a_conflict_at_its_field(node, fields):
    with pytest.raises(Conflict) as refusal:
        conf.add_node(three_nodes(), node)
    assert list(refusal.value.fields) == fields


def test_an_address_already_used_on_another_link_in_another_spelling_is_a_conflict():
    document = conf.new("demo", Node("alpha", 1, 1, (Link(0, "fd00::1"), Link(1, "fd00::2"))))
    with pytest.raises(Conflict, match="alpha"):
        conf.add_node(document, Node("beta", 2, 1, (Link(0, "fd00::3"), Link(1, "FD00:0::1"))))


def test_missing_and_surplus_links_are_named_apart():
    document = conf.new("demo", Node("alpha", 1, 1, (Link(0, "10.0.0.1"), Link(1, "10.1.0.1"))))
    with pytest.raises(InvalidInput) as refusal:
        conf.plan_node(document, "beta", [Link(0, "10.0.0.2"), Link(3, "10.3.0.2")])
    assert set(refusal.value.fields) == {"link1", "link3"}
    assert "uses link 1" in refusal.value.message and "no link 3" in refusal.value.message


def test_a_listed_node_is_replaced_only_on_demand_and_with_the_same_id_and_votes():
    document = three_nodes()
    moved = [Link(0, "10.0.0.22")]
    node = conf.plan_node(document, "beta", moved, replace=True)
    assert node == Node("beta", 2, 1, (Link(0, "10.0.0.22"),))
    assert conf.add_node(document, node, replace=True).node("beta") == node
    for other in ({"node_id": 9}, {"votes": 2}):
        with pytest.raises(Conflict):
            conf.plan_node(document, "beta", moved, replace=True, **other)


def test_removing_an_unknown_node_or_the_last_one_is_refused():
    with pytest.raises(NotFound):
        conf.remove_node(three_nodes(), "delta")
    with pytest.raises(Conflict):
        conf.remove_node(conf.new("demo", ALPHA), "alpha")


def test_the_version_rises_above_any_other_it_is_told_of():
    assert conf.raise_version(three_nodes(), above=8).config_version == 9


def test_a_file_without_a_version_cannot_be_raised():
    with pytest.raises(InvalidInput):
        conf.raise_version(conf.parse(GOLDEN.replace("  config_version: 1\n", "")))


# --- verification ---------------------------------------------------------------------------------------------------


def edited(old: str, new: str) -> Document:
    text = conf.render(three_nodes())
    assert old in text
    return conf.parse(text.replace(old, new))


def test_a_document_made_here_has_no_errors_and_no_warnings():
    verdict = conf.verify(three_nodes(), current_version=3)
    assert (verdict.errors, verdict.warnings) == ((), ())


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("nodeid: 2", "nodeid: 1", "Node id 1"),
        ("nodeid: 2", "nodeid: x", "node id"),
        ("name: beta", "name: alpha", "name alpha"),
        ("10.0.0.2", "10.0.0.1", "10.0.0.1"),
        ("secauth: on", "secauth: on\n  transport: udpu", "udpu"),
        ("  cluster_name: demo\n", "", "no name"),
        ("  config_version: 3\n", "", "config_version"),
        ("config_version: 3", "config_version: 2", "lower"),
        ("ring0_addr: 10.0.0.2", "ring1_addr: 10.0.0.2", "no address for link 0"),
        ("ring0_addr: 10.0.0.2", "ring0_addr: 10.0.0.2\n ring1_addr: 10.1.0.2", "link 1"),
        ("  interface {", "  interface {\n    linknumber: 1\n  }\n  interface {", "link 1"),
        ("quorum_votes: 1", "quorum_votes: 0", "vote"),
        ("  provider: corosync_votequorum\n", "", "provider"),
        ("  provider: corosync_votequorum\n", "  provider: corosync_votequorum\n  two_node: 1\n", "two_node"),
    ],
)
def test_what_must_not_be_activated_is_an_error_in_words(old, new, word):
    verdict = conf.verify(edited(old, new), current_version=3)
    assert not verdict.ok
    assert any(word in sentence for sentence in verdict.errors), verdict.errors


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("secauth: on", "secauth: off"),
        ("  secauth: on\n", ""),
        ("secauth: on", "crypto_cipher: none\n  secauth: on"),
        ("secauth: on", "crypto_hash: none\n  secauth: on"),
        ("secauth: on", "crypto_cipher: aes256"),
    ],
)
def test_t60_a_configuration_without_encryption_is_refused(old, new):
    assert any("not encrypted" in sentence for sentence in conf.verify(edited(old, new), current_version=3).errors)


def test_without_interface_sections_all_nodes_must_have_the_same_links():
    document = edited("  interface {\n    linknumber: 0\n  }\n", "")
    assert conf.verify(document).ok
    text = conf.render(document).replace("ring0_addr: 10.0.0.2", "ring1_addr: 10.0.0.2")
    assert not conf.verify(conf.parse(text)).ok


def test_an_explicit_cipher_and_hash_are_encryption_too():
    assert conf.verify(edited("secauth: on", "crypto_cipher: aes256\n  crypto_hash: sha256")).ok


@pytest.mark.parametrize("text", ["", "totem {\n}\n", "nodelist {\n}\n"])
def test_no_totem_and_no_nodes_are_errors(text):
    errors = conf.verify(conf.parse(text)).errors
    assert "There are no nodes." in errors
    assert ("There is no totem section." in errors) == ("totem" not in text)


def test_a_host_name_as_address_is_a_warning_that_says_what_it_resolves_to():
    document = edited("10.0.0.2", "beta.example.org")
    assert conf.host_names(document) == ("beta.example.org",)
    (known,) = conf.verify(document, resolved={"beta.example.org": "10.0.0.2"}).warnings
    (unknown,) = conf.verify(document, resolved={"beta.example.org": None}).warnings
    assert "10.0.0.2" in known
    assert "cannot be resolved" in unknown


# --- the judge ------------------------------------------------------------------------------------------------------


def corosync_accepts(document: Document, tmp_path, local_name: str) -> subprocess.CompletedProcess[str]:
    """Ask corosync itself, on a host of the local node's name (a UTS namespace of its own)."""
    key, file = tmp_path / "authkey", tmp_path / "corosync.conf"
    key.write_bytes(bytes(range(256)))
    text = conf.render(document)
    file.write_text(text.replace("totem {\n", f"totem {{\n  keyfile: {key}\n", 1))
    script = 'hostname "$1" && exec corosync -t -c "$2"'
    command = ["unshare", "--uts", "sh", "-c", script, "sh", local_name, str(file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


@pytest.mark.corosync
@pytest.mark.skipif(shutil.which("corosync") is None, reason="corosync is not installed")
@pytest.mark.parametrize(
    "document",
    [
        conf.parse(GOLDEN),
        conf.parse(GOLDEN_TWO_LINKS),
        three_nodes(),
        conf.remove_node(three_nodes(), "alpha"),
        conf.new("a" * 15, Node("x" * 63, 65535, 65535, tuple(Link(n, f"10.{n}.0.1", 255) for n in range(8))), 60_000),
        conf.add_node(conf.new("demo", ALPHA), Node("beta", 2, 0, BETA.links)),
        conf.add_node(
            conf.new("six", Node("alpha", 1, 1, (Link(0, "fd00::1"),))), Node("beta", 2, 1, (Link(0, "fd00::2"),))
        ),
    ],
    ids=["golden", "two-links", "three-nodes", "removed", "limits", "zero-votes", "ipv6"],
)
def test_corosync_accepts_what_is_written(document, tmp_path):
    result = corosync_accepts(document, tmp_path, document.nodes()[0].name)
    assert result.returncode == 0, result.stderr


@pytest.mark.corosync
@pytest.mark.skipif(shutil.which("corosync") is None, reason="corosync is not installed")
def test_corosync_refuses_what_the_judge_test_would_have_to_notice(tmp_path):
    broken = three_nodes().root.with_sections("nodelist", [])
    assert corosync_accepts(Document(broken), tmp_path, "alpha").returncode != 0
