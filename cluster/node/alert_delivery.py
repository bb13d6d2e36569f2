"""Carries one alert to one target: SMTP, or HTTP to a webhook, ntfy or Gotify; and says what the target answered.

A host's name is looked up once, and what it is found to be is where the line goes: addresses of this host and of the
link (where clouds keep their secrets), multicast and none are refused unless the target is said to be `local`. Nothing
is redirected, every wait has a bound, and no answer is read beyond a few hundred bytes. It blocks: run it in a thread.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import smtplib
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

from cluster.access.sections import Section
from cluster.alerts.settings import TEMPLATE, fill

TIMEOUT_S = 10.0
ANSWER_BYTES_MAX = 300


@dataclass(frozen=True, slots=True)
class Told:
    """What came of it; `answer` is in the target's own words where it said something."""

    arrived: bool
    answer: str


def deliver(target: Section, secret: str, values: Mapping[str, str]) -> Told:
    """Never raises."""
    try:
        return _smtp(target, secret, values) if target.kind == "smtp" else _http(target, secret, values)
    except smtplib.SMTPException as error:
        return Told(False, f"The mail server refused: {_plain(str(error))}")
    except (OSError, ValueError, http.client.HTTPException) as error:
        return Told(False, f"{target.name} cannot be reached: {_plain(str(error) or type(error).__name__)}")


def checked_address(host: str, port: int, local: bool) -> str:
    """The address a name stands for, where a line to it is allowed. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for *_, place in found:
        address = ipaddress.ip_address(str(place[0]).partition("%")[0])
        address = getattr(address, "ipv4_mapped", None) or address
        inside = address.is_loopback or address.is_link_local
        if address.is_multicast or address.is_unspecified or address.is_reserved or (inside and not local):
            raise OSError(f"{address} is an address of this host or link, and the target is not said to be local")
    return str(found[0][4][0])


def _smtp(target: Section, secret: str, values: Mapping[str, str]) -> Told:
    given, mode = target.properties, target.properties.get("mode", "starttls")
    port = int(given.get("port", {"tls": "465", "starttls": "587"}.get(mode, "25")))
    address = checked_address(given["server"], port, target.is_on("local"))
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = values["title"], given["from"], given["to"]
    mail.set_content(values["text"])
    context = ssl.create_default_context()
    client: smtplib.SMTP
    if mode == "tls":
        client = _SecureMail(address, port, given["server"], context)
    else:
        client = smtplib.SMTP(address, port, timeout=TIMEOUT_S)
    with client:
        if mode == "starttls":
            client._host = given["server"]  # type: ignore[attr-defined]  # whose certificate it must be
            client.starttls(context=context)
        if given.get("username"):
            client.login(given["username"], secret)
        client.send_message(mail)
        return Told(True, f"{given['server']} took the mail for {given['to']}.")


class _SecureMail(smtplib.SMTP_SSL):
    """To an address that was looked up before, with the certificate of the name."""

    def __init__(self, address: str, port: int, name: str, context: ssl.SSLContext) -> None:
        self._name = name
        super().__init__(address, port, timeout=TIMEOUT_S, context=context)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = socket.create_connection((host, port), timeout)
        return self.context.wrap_socket(plain, server_hostname=self._name)


def _http(target: Section, secret: str, values: Mapping[str, str]) -> Told:
    parts = urlsplit(target.properties["url"])
    host, secure = str(parts.hostname), parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    address = checked_address(host, port, target.is_on("local"))
    line: http.client.HTTPConnection
    line = _SecureLine(host, port, address) if secure else http.client.HTTPConnection(address, port, timeout=TIMEOUT_S)
    headers, body = _message(target, secret, values)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if target.kind == "gotify":
        path = parts.path.rstrip("/") + "/message"
    try:
        line.request("POST", path, body, {"Host": parts.netloc, "Content-Type": "application/json", **headers})
        answer = line.getresponse()
        text = _plain(answer.read(ANSWER_BYTES_MAX).decode(errors="replace"))
        return Told(200 <= answer.status < 300, f"{answer.status} {_plain(answer.reason)} {text}".strip())
    finally:
        line.close()


class _SecureLine(http.client.HTTPSConnection):
    def __init__(self, host: str, port: int, address: str) -> None:
        super().__init__(host, port, timeout=TIMEOUT_S, context=ssl.create_default_context())
        self._address = address

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self.sock = self._context.wrap_socket(plain, server_hostname=self.host)  # type: ignore[attr-defined]


def _message(target: Section, secret: str, values: Mapping[str, str]) -> tuple[dict[str, str], bytes]:
    headers: dict[str, str] = {}
    content: dict[str, Any]
    if target.kind == "webhook":
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        return headers, fill(target.properties.get("template") or TEMPLATE, values).encode()
    if target.kind == "gotify":
        content = {
            "title": values["title"],
            "message": values["text"],
            "priority": 8 if values["word"] == "raised" else 4,
        }
        return {"X-Gotify-Key": secret}, json.dumps(content).encode()
    title = values["title"].encode("ascii", "replace").decode()
    headers = {"Title": title, "Content-Type": "text/plain; charset=utf-8"}
    return headers | ({"Authorization": f"Bearer {secret}"} if secret else {}), values["text"].encode()


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)[:ANSWER_BYTES_MAX].strip()
