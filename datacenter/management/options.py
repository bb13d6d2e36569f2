"""Options of our commands: each is also an environment variable, `QUIRE_` and its name, which the option overrides."""

from __future__ import annotations

import argparse
import ipaddress
import pwd
import re
import socket
from pathlib import Path

from django.core.management.base import CommandError

from datacenter import environment

NODE_NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?")
PORT = 8006


def add(parser: argparse.ArgumentParser, name: str, description: str, default: str = "") -> None:
    """A text option `--name`; what it means is read later, so that variable and option are checked alike."""
    variable = variable_of(name)
    shown = f" (default: {default})" if default else ""
    value = environment.text(variable, default)
    parser.add_argument(f"--{name}", default=value, metavar=name.upper(), help=f"{description}{shown} [{variable}]")


def add_flag(parser: argparse.ArgumentParser, name: str, description: str) -> None:
    variable = variable_of(name)
    value = environment.flag(variable)
    parser.add_argument(
        f"--{name}", action=argparse.BooleanOptionalAction, default=value, help=f"{description} [{variable}]"
    )


def variable_of(name: str) -> str:
    return "QUIRE_" + name.upper().replace("-", "_")


# --- reading ----------------------------------------------------------------------------------------------------------


def node_name(text: str) -> str:
    name = text or socket.gethostname().partition(".")[0]
    if not NODE_NAME.fullmatch(name):
        raise CommandError(f"--name: {name!r} is no node name: letters, digits and dashes, at most 63.")
    return name


def address(text: str, host_name: str) -> str:
    """An address of this host; without one, what the host's name resolves to."""
    if not text:
        return _resolved(host_name)
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise CommandError(f"--address: {text!r} is no IP address.") from None


def port(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= 65535:
        raise CommandError(f"--port: {text!r} is no port; say a number from 1 to 65535.")
    return int(text)


def seconds(name: str, text: str) -> float:
    if not (text.isascii() and text.isdecimal()):
        raise CommandError(f"--{name}: {text!r} is no number of seconds.")
    return float(text)


def whole(name: str, text: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdecimal()) or not low <= int(text) <= high:
        raise CommandError(f"--{name}: {text!r} is no number from {low} to {high}.")
    return int(text)


def path(text: str) -> Path | None:
    return Path(text).absolute() if text else None


def choice(name: str, text: str, among: tuple[str, ...]) -> str:
    if text not in among:
        raise CommandError(f"--{name}: {text!r} is not one of {', '.join(among)}.")
    return text


def web_user(text: str) -> tuple[int, int] | None:
    """A user's id and its group's id, by the user's name."""
    if not text:
        return None
    try:
        found = pwd.getpwnam(text)
    except KeyError:
        raise CommandError(f"--web-user: there is no user {text!r}; make one with adduser --system --group.") from None
    return found.pw_uid, found.pw_gid


def redis_url(text: str) -> str:
    if text and not text.startswith(("redis://", "rediss://", "unix://")):
        raise CommandError("--redis-url: write it as redis://127.0.0.1:6379/0 or unix:///run/redis/redis.sock.")
    return text


def _resolved(host_name: str) -> str:
    try:
        found = socket.getaddrinfo(host_name, None, type=socket.SOCK_STREAM)
    except OSError:
        found = []
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    usable = [each for each in addresses if not each.is_loopback and not each.is_link_local]
    if not usable:
        raise CommandError(
            f"--address: this host's name, {host_name}, resolves to no address others can reach. Say which one to use."
        )
    return str(usable[0])
