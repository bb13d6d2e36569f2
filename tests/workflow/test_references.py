"""What names a node in the tree, and that only that goes: everything else survives byte for byte."""

import pytest

from cluster.workflow.references import cleaned, references

STORAGE = b"""# local ones
dir: local
\tpath /var/lib/vz
\tcontent iso

nfs: shared
\tserver 10.0.0.9
\tnodes alpha,gamma,gammaray

zfspool: tank
\tpool tank
\tnodes gamma
"""


def test_a_list_loses_the_node_and_a_section_for_it_alone_goes_whole():
    fresh = cleaned({"storage.cfg": STORAGE}, "gamma")["storage.cfg"]
    assert fresh == STORAGE.split(b"zfspool")[0].replace(b"alpha,gamma,gammaray", b"alpha,gammaray")
    found = references({"storage.cfg": STORAGE}, (), "gamma")
    assert [(one.kind, one.what) for one in found] == [("storage", "nfs: shared"), ("storage", "zfspool: tank")]


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("user.cfg", b"user:a@pam:1:\nacl:1:/nodes/gamma:a@pam:R:\nacl:1:/nodes/gamma2:a@pam:R:\n",
         b"user:a@pam:1:\nacl:1:/nodes/gamma2:a@pam:R:\n"),
        ("ha/groups.cfg", b"group: g\n\tnodes alpha:1,gamma:2\n\trestricted 1\n",
         b"group: g\n\tnodes alpha:1\n\trestricted 1\n"),
        ("ha/rules.cfg", b"node-affinity: r\n\tresources vm:100\n\tnodes gamma\n", b""),
        ("jobs.cfg", b"vzdump: j1\n\tnode gamma\n\nvzdump: j2\n\tnode beta\n", b"vzdump: j2\n\tnode beta\n"),
        ("replication.cfg", b"local: 100-0\n\ttarget gamma\n", b""),
        ("priv/known_hosts", b"gamma ssh-rsa A\n10.0.0.3,gamma ssh-rsa A\nbeta ssh-rsa B\n", b"beta ssh-rsa B\n"),
        ("priv/authorized_keys", b"ssh-rsa A root@gamma\nssh-rsa B root@beta\n", b"ssh-rsa B root@beta\n"),
    ],
)  # fmt: skip
def test_every_kind_of_file_is_cleaned(path, before, after):
    assert cleaned({path: before}, "gamma") == {path: after}
    assert references({path: before}, (), "gamma")
    assert cleaned({path: after}, "gamma") == {} and references({path: after}, (), "gamma") == ()


def test_the_node_s_folder_is_told_file_by_file():
    paths = ["nodes/gamma/qemu-server/100.conf", "nodes/gamma/pve-ssl.pem", "nodes/gamma/lrm_status", "nodes/beta/x"]
    assert {(one.kind, one.what) for one in references({}, paths, "gamma")} == {
        ("guest", "guest 100"), ("certificate", "pve-ssl.pem"), ("file", "lrm_status"),
    }  # fmt: skip
