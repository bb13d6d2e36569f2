"""What is read of the host: its clock, name servers, services, journal, QDevice; from files made for the test."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cluster.control.node_requests import HostJournal
from cluster.errors import InvalidInput, Unavailable
from cluster.node import host_settings, journal, qdevice, services


def test_the_time_zone_has_its_name(tmp_path: Path) -> None:
    (tmp_path / "localtime").symlink_to("/usr/share/zoneinfo/Etc/UTC")
    told = host_settings.clock(tmp_path)
    assert told["timezone"].startswith("Etc/") and abs(told["localtime"] - told["time"]) <= 14 * 3600
    (tmp_path / "localtime").unlink()
    (tmp_path / "timezone").write_text("Europe/Vienna\n")
    assert host_settings.clock(tmp_path)["timezone"] == "Europe/Vienna"


def test_three_name_servers_and_the_search_list_are_told(tmp_path: Path) -> None:
    servers = "".join(f"nameserver 10.0.0.{number}\n" for number in range(1, 6))
    (tmp_path / "resolv.conf").write_text(f"# by hand\nsearch example.org lab\n{servers}options edns0\n")
    assert host_settings.dns(tmp_path) == {
        "search": "example.org lab", "dns1": "10.0.0.1", "dns2": "10.0.0.2", "dns3": "10.0.0.3",
    }  # fmt: skip
    (tmp_path / "resolv.conf").unlink()
    with pytest.raises(Unavailable, match="resolv.conf cannot be read"):
        host_settings.dns(tmp_path)


def test_the_list_of_names_has_a_digest(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("127.0.0.1 localhost\n")
    told = host_settings.names(tmp_path)
    assert told == {"data": "127.0.0.1 localhost\n", "digest": "c7f9a550b77ece79052aa1a630098b911883abde"}


def test_a_service_s_unit_says_what_it_is_and_whether_it_starts(tmp_path: Path) -> None:
    folder = tmp_path / "units"
    (folder / "multi-user.target.wants").mkdir(parents=True)
    unit = "[Unit]\nDescription=Cluster Engine\n[Install]\nWantedBy=multi-user.target\n"
    (folder / "corosync.service").write_text(unit)
    assert services.find_unit("corosync.service", (folder,)) == services.Unit("Cluster Engine", "disabled")
    (folder / "multi-user.target.wants" / "corosync.service").symlink_to(folder / "corosync.service")
    assert services.find_unit("corosync.service", (folder,)).state == "enabled"
    (folder / "cron.service").symlink_to("/dev/null")
    assert services.find_unit("cron.service", (folder,)).state == "masked"
    assert services.find_unit("ssh.service", (folder,)).state == "not-found"


def test_a_service_runs_when_its_control_group_has_processes(tmp_path: Path) -> None:
    group = tmp_path / "system.slice" / "chrony.service"
    group.mkdir(parents=True)
    (group / "cgroup.procs").write_text("4711\n")
    rows = {row["name"]: row for row in services.list_services((tmp_path / "none",), tmp_path)}
    assert (rows["chrony"]["state"], rows["chrony"]["active-state"]) == ("running", "active")
    assert rows["postfix"]["state"] == "dead"


@pytest.fixture
def syslog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(journal, "JOURNAL_FOLDERS", ())
    monkeypatch.setattr(journal, "SYSLOG", tmp_path / "syslog")
    return tmp_path / "syslog"


def test_a_text_log_is_read_in_parts_from_its_end_and_by_service(syslog: Path) -> None:
    syslog.write_text("".join(f"Jan 1 alpha {name}[{n}]: line {n}\n" for n in range(20) for name in ("cron", "ssh")))
    assert journal.read(HostJournal(start=1, limit=1)) == {"lines": ["Jan 1 alpha ssh[0]: line 0"], "total": 40}
    assert journal.read(HostJournal(last=1))["lines"] == ["Jan 1 alpha ssh[19]: line 19"]
    assert journal.read(HostJournal(last=0))["lines"] == []
    assert journal.read(HostJournal(service="cron", limit=0))["total"] == 20


def test_a_host_without_a_journal_says_so(syslog: Path) -> None:
    with pytest.raises(Unavailable, match="keeps no journal"):
        journal.read(HostJournal())


@pytest.mark.parametrize("name", ["nothing", "--output=export", "../x", "ssh.service"])
def test_only_known_services_can_be_asked_for(name: str, syslog: Path) -> None:
    with pytest.raises(InvalidInput):
        journal.read(HostJournal(service=name))


def test_a_time_that_ends_before_it_begins_is_refused(syslog: Path) -> None:
    with pytest.raises(InvalidInput, match="ends before it begins"):
        journal.read(HostJournal(since=2, until=1))


QDEVICE = """Qdevice information
-------------------
Model:                  Net
Node ID:                1
Configured node list:
    0   Node ID = 1
State:                  Connected
QNetd host:             10.0.0.9:5403
Tie-breaker:            Node with lowest node ID
"""


async def test_a_qdevice_is_asked_over_its_socket(tmp_path: Path) -> None:
    assert await qdevice.status(tmp_path / "none") == {}
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(QDEVICE.encode())
        writer.close()

    server = await asyncio.start_unix_server(serve, tmp_path / "sock")
    async with server:
        told = await qdevice.status(tmp_path / "sock")
    assert asked == [b"status verbose\n"]
    assert told == {
        "Model": "Net", "State": "Connected", "QNetd host": "10.0.0.9:5403", "Tie-breaker": "Node with lowest node ID",
    }  # fmt: skip
