"""Addresses and ports of this run's own, so that runs side by side, and a demo beside them, never meet.

Claimed by a name that the kernel keeps for as long as this process lives; nothing is left behind. Who else listens on
this machine is asked for as well.
"""

from __future__ import annotations

import random
import socket

PORTS = range(20000, 30000)  # below what the kernel hands out to those who ask for any
NETWORKS = [f"127.{second}.{third}" for second in range(180, 250) for third in range(1, 250)]
TRIES = 300
ADDRESS = "127.0.0.1"

_claims: list[socket.socket] = []


def own_port() -> int:
    for port in random.sample(PORTS, TRIES):
        if _claim(f"port {port}") and _is_free(ADDRESS, port):
            return port
    raise AssertionError(f"none of {TRIES} ports is free")


def own_network() -> str:
    """The first three numbers of a loopback network: "127.180.1"."""
    for network in random.sample(NETWORKS, TRIES):
        if _claim(f"network {network}") and _is_free(f"{network}.101", 8006):
            return network
    raise AssertionError(f"none of {TRIES} networks is free")


def _claim(what: str) -> bool:
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0quire tests: {what}")
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
