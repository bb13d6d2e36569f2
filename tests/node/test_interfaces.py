"""This host's interfaces, and the advice about a link on each."""

import socket
from collections import namedtuple

import psutil
import pytest

from cluster.node import interfaces
from cluster.node.interfaces import list_interfaces, local_addresses

Address = namedtuple("Address", "family address netmask")
State = namedtuple("State", "isup speed")

ROUTE = """Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
eno1\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0
eno2\t0001000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""
# 10.0.1.1:1000 → 10.0.1.9:2049 established; 10.0.2.1 → :3260 only being opened.
TCP = """  sl  local_address rem_address   st
   0: 0101000A:03E8 0901000A:0801 01
   1: 0102000A:03E9 0902000A:0CBC 02
"""


class Machine:
    """A made-up host: its interfaces, and the kernel's files about them."""

    def __init__(self, monkeypatch, tmp_path):
        self.sys, self.proc = tmp_path / "sys", tmp_path / "proc"
        self.proc.mkdir()
        self.addresses, self.states = {}, {}
        monkeypatch.setattr(interfaces, "SYSFS_NET", self.sys)
        monkeypatch.setattr(interfaces, "PROC_NET", self.proc)
        monkeypatch.setattr(psutil, "net_if_addrs", lambda: self.addresses)
        monkeypatch.setattr(psutil, "net_if_stats", lambda: self.states)

    def has(self, name, *addresses, up=True, speed=10000, parts=()):
        self.addresses[name] = [
            Address(socket.AF_INET6, address, "ffff:ffff:ffff:ffff::")
            if ":" in address
            else Address(socket.AF_INET, address, "255.255.255.0")
            for address in addresses
        ]
        self.states[name] = State(up, speed)
        for part in ("", *parts):
            (self.sys / name / part).mkdir(parents=True, exist_ok=True)

    def advice(self):
        return {row["iface"]: row["advice"] for row in list_interfaces()}


@pytest.fixture
def machine(monkeypatch, tmp_path):
    return Machine(monkeypatch, tmp_path)


def test_an_interface_has_the_fields_of_the_api(machine):
    machine.has("eno2", "10.0.1.1", "fd00::1")
    assert list_interfaces() == [
        {
            "iface": "eno2",
            "type": "eth",
            "active": 1,
            "comments": "10 Gbit/s",
            "advice": "",
            "address": "10.0.1.1",
            "netmask": "255.255.255.0",
            "cidr": "10.0.1.1/24",
            "address6": "fd00::1",
            "netmask6": "64",
            "cidr6": "fd00::1/64",
        }
    ]


def test_addresses_other_nodes_cannot_use_are_left_out(machine):
    machine.has("lo", "127.0.0.1")
    machine.has("eno1", "fe80::1%eno1")
    machine.has("eno2", "169.254.1.1")
    assert list_interfaces() == []


def test_an_interface_with_more_addresses_gets_more_rows(machine):
    machine.has("eno1", "10.0.0.1", "10.0.9.1", "fd00::1")
    assert [(r["address"], r.get("address6")) for r in list_interfaces()] == [
        ("10.0.0.1", "fd00::1"),
        ("10.0.9.1", None),
    ]


def test_the_loopback_engine_s_node_has_its_own_address_only(machine):
    machine.has("eno1", "10.0.0.1")
    (row,) = list_interfaces("127.0.0.12")
    assert (row["iface"], row["address"], row["cidr"], row["active"]) == ("lo", "127.0.0.12", "127.0.0.12/8", 1)


@pytest.mark.parametrize(
    ("part", "kind"), [("bridge", "bridge"), ("bonding", "bond"), ("wireless", "wlan"), ("tun_flags", "tunnel")]
)
def test_the_kind_of_an_interface_is_told(machine, part, kind):
    machine.has("x0", "10.0.0.1", parts=[part])
    assert list_interfaces()[0]["type"] == kind


def test_a_network_with_the_default_route_is_advised_against_and_a_quiet_one_is_not(machine):
    (machine.proc / "route").write_text(ROUTE)
    machine.has("eno1", "10.0.0.1")
    machine.has("eno2", "10.0.1.1")
    advice = machine.advice()
    assert "default route" in advice["eno1"] and advice["eno2"] == ""


def test_the_default_route_of_ipv6_counts_too(machine):
    (machine.proc / "ipv6_route").write_text(
        "0" * 32 + " 00 " + "0" * 32 + " 00 fd000000000000000000000000000001 00000400 00000002 00000000 00000003 eno1\n"
    )
    machine.has("eno1", "fd00::2")
    assert "default route" in machine.advice()["eno1"]


def test_a_vlan_on_the_port_of_the_default_route_shares_it(machine):
    (machine.proc / "route").write_text(ROUTE)
    machine.has("eno1", "10.0.0.1")
    machine.has("eno1.50", "10.0.5.1", parts=["lower_eno1"])
    advice = machine.advice()
    assert "runs over eno1" in advice["eno1.50"]


def test_a_network_that_carries_storage_is_advised_against(machine):
    (machine.proc / "tcp").write_text(TCP)
    machine.has("eno2", "10.0.1.1")
    machine.has("eno3", "10.0.2.1")
    advice = machine.advice()
    assert "NFS storage" in advice["eno2"] and advice["eno3"] == ""


@pytest.mark.parametrize(
    ("name", "settings", "word"),
    [
        ("wlan0", {"parts": ["wireless"]}, "wireless"),
        ("docker0", {"parts": ["bridge"]}, "inside this host"),
        ("tun0", {"parts": ["tun_flags"]}, "tunnel"),
        ("eno4", {"up": False}, "down"),
        ("eno5", {"speed": 100}, "slow"),
    ],
)
def test_interfaces_unfit_for_a_link_say_so(machine, name, settings, word):
    machine.has(name, "10.0.0.1", **settings)
    assert word in machine.advice()[name]


def test_an_ipv4_connection_of_an_ipv6_socket_is_recognised():
    assert interfaces._kernel_address("0000000000000000FFFF00000101000A") == "10.0.1.1"
    assert interfaces._kernel_address("000000FD000000000000000001000000") == "fd00::1"


def test_this_host_s_own_addresses_are_found():
    assert local_addresses()["127.0.0.1"] == "lo"
    assert all(row["address"] if "address" in row else row["address6"] for row in list_interfaces())
