"""Options of `runnode` and `runweb`: each is a variable too, the option wins, and nonsense is refused in words."""

from __future__ import annotations

import argparse
import os
import socket
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from datacenter.management import options as opt
from datacenter.web.notify import notify


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    opt.add(parser, "password-hash-file", "a file")
    opt.add(parser, "port", "a port", "8006")
    opt.add_flag(parser, "web", "serve pages")
    return parser.parse_args(arguments)


def test_an_option_wins_over_its_variable_and_that_over_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (parsed().port, parsed().password_hash_file, parsed().web) == ("8006", "", False)
    monkeypatch.setenv("QUIRE_PORT", "9000")
    monkeypatch.setenv("QUIRE_PASSWORD_HASH_FILE", "/etc/hash")
    monkeypatch.setenv("QUIRE_WEB", "1")
    assert (parsed().port, parsed().password_hash_file, parsed().web) == ("9000", "/etc/hash", True)
    assert (parsed("--port", "9001").port, parsed("--no-web").web) == ("9001", False)


def test_values_become_what_they_mean(tmp_path: Path) -> None:
    assert opt.port("8006") == 8006
    assert opt.path("") is None and opt.path(str(tmp_path)) == tmp_path
    assert opt.address("127.0.0.11", "alpha") == "127.0.0.11"
    assert opt.node_name("alpha") == "alpha" and opt.node_name("")
    assert opt.web_user("root") == (0, 0) and opt.web_user("") is None
    assert opt.redis_url("unix:///run/redis/redis.sock") == "unix:///run/redis/redis.sock"


@pytest.mark.parametrize(
    ("reader", "text", "word"),
    [
        (opt.port, "0", "--port"),
        (opt.port, "65536", "--port"),
        (opt.port, "http", "--port"),
        (opt.port, "\u0661", "--port"),
        (opt.node_name, "a.b", "--name"),
        (opt.node_name, "alpha\n", "--name"),
        (opt.node_name, "a" * 64, "--name"),
        (lambda text: opt.address(text, "alpha"), "alpha", "--address"),
        (lambda text: opt.choice("engine", text, ("corosync", "loopback")), "udp", "--engine"),
        (opt.web_user, "nobody-by-this-name", "--web-user"),
        (opt.redis_url, "localhost:6379", "--redis-url"),
    ],
)
def test_nonsense_is_refused_with_the_option_s_name(reader: object, text: str, word: str) -> None:
    assert callable(reader)
    with pytest.raises(CommandError, match=word):
        reader(text)


def test_a_name_without_an_address_others_can_reach_needs_one_to_be_said() -> None:
    with pytest.raises(CommandError, match="Say which one to use"):
        opt.address("", "localhost")


def test_systemd_is_told_when_it_listens_and_nobody_minds_when_it_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")
    path = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", path)
    notify("READY=1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        notify("READY=1\nSTATUS=running")
        assert listener.recv(100) == b"READY=1\nSTATUS=running"
        name = f"\0quire-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name[1:])
        notify("STOPPING=1")
        assert listener.recv(100) == b"STOPPING=1"
