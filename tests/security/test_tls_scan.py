"""T58 and the scanner's view of a node: testssl.sh finds nothing at or above medium."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cluster.control import requests
from tests.scenarios.conftest import demo_of
from tests.scenarios.evidence import ask

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]

SCAN_TIMEOUT_S = 360
# A private CA publishes no revocations: a removed node's certificate is refused because it is no member's any more.
NOT_FOR_A_PRIVATE_CA = {"cert_revocation"}
COUNTS = ("MEDIUM", "HIGH", "CRITICAL")


def test_t58_a_scan_of_a_node_finds_nothing_at_or_above_medium(tmp_path: Path) -> None:
    authority, found = tmp_path / "ca.pem", tmp_path / "found.json"
    with demo_of("loopback", 1) as visit:
        authority.write_bytes(ask(visit.first, requests.StoreRead("pve-root-ca.pem"))["data"])
        command = ["testssl", "--quiet", "--color", "0", "--warnings", "off", "--connect-timeout", "10"]
        command += ["--openssl-timeout", "10", "--add-ca", str(authority), "--jsonfile", str(found)]
        address = urlsplit(visit.first.url).netloc
        scan = subprocess.run([*command, address], capture_output=True, text=True, timeout=SCAN_TIMEOUT_S)
    findings = json.loads(found.read_text())
    assert {"SSLv3", "TLS1_3", "BREACH", "HSTS_time"} <= {one["id"] for one in findings}, scan.stdout[-2000:]
    serious = [one for one in findings if one["severity"] in COUNTS and one["id"] not in NOT_FOR_A_PRIVATE_CA]
    assert serious == []
