"""What carries a link: MTU, and the bond below an interface, read as the kernel shows them."""

from __future__ import annotations

import pytest

from cluster.node import interfaces, link_facts


@pytest.fixture
def sysfs(tmp_path, monkeypatch):
    """A host whose vlan5 stands on bond0, and eth9 on nothing."""
    for module in (interfaces, link_facts):
        monkeypatch.setattr(module, "SYSFS_NET", tmp_path)
    monkeypatch.setattr(link_facts, "local_addresses", lambda: {"10.0.0.1": "vlan5", "10.0.0.2": "eth9"})
    for name, mtu in (("vlan5", "9000"), ("bond0", "9000"), ("eth9", "1500")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mtu").write_text(f"{mtu}\n")
    (tmp_path / "vlan5" / "lower_bond0").mkdir()
    (tmp_path / "bond0" / "bonding").mkdir()
    (tmp_path / "bond0" / "bonding" / "mode").write_text("802.3ad 4\n")
    (tmp_path / "bond0" / "bonding" / "lacp_rate").write_text("slow 0\n")
    return tmp_path


def test_a_bond_is_found_below_what_stands_on_it(sysfs):
    on_bond, plain, nowhere = link_facts.link_facts({0: "10.0.0.1", 1: "10.0.0.2", 2: "10.9.9.9"}, near=True)
    assert (on_bond.interface, on_bond.mtu, on_bond.bond, on_bond.lacp) == ("vlan5", 9000, "802.3ad", "slow")
    assert (plain.interface, plain.mtu, plain.bond, plain.lacp) == ("eth9", 1500, "", "")
    assert (nowhere.interface, nowhere.mtu) == ("", 0)


def test_this_host_s_own_loopback_has_an_mtu():
    assert link_facts.mtu_of("127.0.0.1") > 1000 and link_facts.mtu_of("192.0.2.7") == 0
