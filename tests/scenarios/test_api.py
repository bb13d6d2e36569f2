"""The API of running nodes, as programs in the field use it: proxmoxer, pvecm, and one that believes the description.

The last tests kill a node and go on. About 40 s, and 30 s for schemathesis, which is root@pam
here: every other role is `tests/api/test_every_role.py`.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from proxmoxer import ProxmoxAPI, ResourceException

from demo.visitor import ROOT, TRUSTING, Visit, Visited, eventually
from tests.scenarios.conftest import demo_of

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:Unverified HTTPS request")]

SCHEMATHESIS = str(Path(sys.executable).with_name("schemathesis"))
FUZZ_S = 30
# What would end the cluster under test, or sign its user out.
NOT_FUZZED = "^/cluster/config|^/access/(ticket|password|sessions|tfa)"
FUZZ_CHECKS = "no_fault,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Visit]:
    with demo_of("loopback", 3) as visiting:
        visiting.form()
        yield visiting


@pytest.fixture
def proxmox(cluster: Visit) -> ProxmoxAPI:
    """Signed in on alpha, with the client's own time-out of 5 s."""
    logging.getLogger("proxmoxer").setLevel(logging.CRITICAL)
    where = urlsplit(cluster["alpha"].url)
    return ProxmoxAPI(where.hostname, port=where.port, user=cluster.user, password=cluster.password, verify_ssl=False)


def test_proxmoxer_reads_the_whole_cluster_through_one_node(proxmox: ProxmoxAPI) -> None:
    assert {row["name"] for row in proxmox.cluster.status.get() if row["type"] == "node"} == {"alpha", "beta", "gamma"}
    kinds = {row["type"] for row in proxmox.cluster.resources.get()}
    assert {"node", "storage"} <= kinds
    for name in ("alpha", "beta", "gamma"):
        status = eventually(
            f"{name} has told its figures",
            lambda name=name: (got := proxmox.nodes(name).status.get())["memory"].get("total") and got,
            20,
        )
        assert status["cpuinfo"]["cpus"] > 0 and len(status["loadavg"]) == 3
        assert proxmox.nodes(name).version.get()["release"] == "9.2"
        assert proxmox.nodes(name).time.get()["timezone"]
        assert {row["filename"] for row in proxmox.nodes(name).certificates.info.get()} >= {"pve-ssl.pem"}
        assert {row["name"] for row in proxmox.nodes(name).services.get()} >= {"corosync"}
    assert proxmox.cluster.nextid.get() == 100
    assert any("successful auth" in row["msg"] for row in proxmox.cluster.log.get(max=100))


def test_proxmoxer_reads_other_nodes_tasks_and_their_logs(proxmox: ProxmoxAPI) -> None:
    tasks = {(row["node"], row["type"]): row for row in proxmox.cluster.tasks.get()}
    assert {("alpha", "clustercreate"), ("beta", "clusterjoin"), ("gamma", "clusterjoin")} <= tasks.keys()
    upid = tasks["beta", "clusterjoin"]["upid"]
    assert proxmox.nodes("beta").tasks(upid).status.get()["exitstatus"] == "OK"
    assert proxmox.nodes("beta").tasks(upid).log.get()[0]["n"] == 1
    assert upid in {row["upid"] for row in proxmox.nodes("beta").tasks.get()}
    with pytest.raises(ResourceException, match="400"):
        proxmox.nodes("gamma").tasks(upid).status.get()


def test_an_option_set_on_one_node_is_read_on_another(proxmox: ProxmoxAPI, cluster: Visit) -> None:
    proxmox.cluster.options.put(keyboard="de", description="Our office")
    shown = eventually(
        "gamma knows", lambda: (got := cluster["gamma"].get("/cluster/options")).get("keyboard") and got, 10
    )
    assert (shown["keyboard"], shown["description"].strip()) == ("de", "Our office")
    proxmox.cluster.options.put(delete="keyboard,description")


def pvecm(node: Visited, *words: str) -> subprocess.CompletedProcess[str]:
    return node.pvecm("api", *words)


def test_pvecm_speaks_to_the_same_api(cluster: Visit) -> None:
    alpha = cluster["alpha"]
    rows = json.loads(pvecm(alpha, "get", "/nodes", "--output-format", "json").stdout)
    assert {row["node"] for row in rows} == {"alpha", "beta", "gamma"}
    assert "timezone: " in pvecm(alpha, "get", "/nodes/gamma/time", "--output-format", "yaml").stdout
    assert "│ release │ 9.2" in pvecm(alpha, "get", "version").stdout
    assert pvecm(alpha, "ls", "/nodes").stdout.splitlines() == [f"Dr---        {name}" for name in cluster.nodes]
    assert "--vmid <integer>" in pvecm(alpha, "usage", "/cluster/nextid").stdout


def test_pvecm_changes_and_is_refused_like_anybody(cluster: Visit) -> None:
    alpha = cluster["alpha"]
    assert pvecm(alpha, "set", "/cluster/options", "--language", "de").returncode == 0
    assert alpha.get("/cluster/options")["language"] == "de"
    refused = pvecm(alpha, "set", "/cluster/options", "--language", "klingon")
    assert refused.returncode == 255 and "language: must be" in refused.stderr
    missing = pvecm(alpha, "create", "/nodes/alpha/qemu", "--vmid=100")
    assert missing.returncode == 255 and "501 Method 'POST /nodes/alpha/qemu' not implemented" in missing.stderr


def test_no_ticket_is_left_lying_about(cluster: Visit) -> None:
    folder = Path(cluster["alpha"].socket).parent / "sessions"
    assert folder.stat().st_mode & 0o077 == 0
    assert list(folder.iterdir()) == []


def test_answers_are_what_the_description_says_and_nothing_fails(cluster: Visit, tmp_path: Path) -> None:
    alpha = cluster["alpha"].sign_in()
    described = tmp_path / "openapi.json"
    described.write_bytes(raw(alpha, "/api2/openapi.json"))
    headers = [word for name, value in alpha.headers.items() for word in ("-H", f"{name}: {value}")]
    # fmt: off
    command = [
        SCHEMATHESIS, "--config-file", str(ROOT / "tests/scenarios/schemathesis.toml"), "run", str(described),
        "--url", f"{alpha.url}/api2/json", "--tls-verify", "false", *headers, "--phases", "coverage,fuzzing",
        "--max-time", str(FUZZ_S), "--checks", FUZZ_CHECKS, "--exclude-path-regex", NOT_FUZZED,
        "--continue-on-failure", "--suppress-health-check", "all", "--max-examples", "20",
    ]
    # fmt: on
    env = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.scenarios.api_checks", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        command, capture_output=True, text=True, timeout=FUZZ_S + 60, cwd=tmp_path, env=env, check=False
    )
    told = (line[:300] for line in ran.stdout.partition("= FAILURES =")[2].splitlines())
    assert ran.returncode == 0, "\n".join(told) + ran.stderr[-2000:]
    assert "Test cases:" in ran.stdout


def raw(node: Visited, path: str) -> bytes:
    import urllib.request

    asked = urllib.request.Request(node.url + path, headers=node.headers)
    with urllib.request.urlopen(asked, context=TRUSTING, timeout=30) as answer:
        return bytes(answer.read())


def test_with_a_node_dead_the_rest_answers_as_before(proxmox: ProxmoxAPI, cluster: Visit) -> None:
    upid = next(row["upid"] for row in proxmox.cluster.tasks.get() if row["node"] == "gamma")
    cluster["gamma"].kill()
    eventually("gamma is seen offline", lambda: cluster["alpha"].online() == {"alpha", "beta"}, 30)
    with pytest.raises(ResourceException, match="595.*node 'gamma' is offline since"):
        proxmox.nodes("gamma").tasks(quote(upid, safe="")).log.get()
    assert upid in {row["upid"] for row in proxmox.cluster.tasks.get()}
    states = {row["node"]: row["status"] for row in proxmox.nodes.get()}
    assert states == {"alpha": "online", "beta": "online", "gamma": "offline"}
    assert proxmox.nodes("beta").status.get()["uptime"] > 0
    assert proxmox.cluster.resources.get() and proxmox.cluster.log.get()


def test_a_dead_node_is_told_in_less_than_a_second(cluster: Visit) -> None:
    alpha = cluster["alpha"].sign_in()
    took: list[float] = []
    for _ in range(5):
        began = time.monotonic()
        with pytest.raises(Exception, match="595"):
            alpha.get("/nodes/gamma/status")
        took.append(time.monotonic() - began)
    assert min(took) < 1.0, took
