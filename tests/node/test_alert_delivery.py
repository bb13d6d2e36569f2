"""Alerts carried to a real mail server and real HTTP targets on this machine, and to where they must not go."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from cluster.access.sections import Section
from cluster.node.alert_delivery import checked_address, deliver
from tests.places import own_port

VALUES = {"title": "[demo] Node gone", "text": 'gamma is "gone" – ü.', "kind": "node-gone", "node": "gamma",
          "cluster": "demo", "word": "raised"}  # fmt: skip


class Target:
    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.status, self.location = 200, ""
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.asked.append((self.path, dict(self.headers), body))
                self.send_response(outer.status)
                if outer.location:
                    self.send_header("Location", outer.location)
                self.end_headers()
                self.wfile.write(b"heard\x1b[31m")

            def log_message(self, *_arguments: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def target() -> Iterator[Target]:
    made = Target()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()


def section(kind: str, **given: str) -> Section:
    return Section(kind, "ops", {"local": "1", **given})


def test_a_webhook_gets_its_template_filled_and_its_secret(target: Target) -> None:
    told = deliver(section("webhook", url=f"{target.url}/hook?a=1"), "hush", VALUES)
    path, headers, body = target.asked[0]
    assert told.arrived and told.answer == "200 OK heard [31m"
    assert (path, headers["Authorization"], json.loads(body)["text"]) == ("/hook?a=1", "Bearer hush", VALUES["text"])


def test_ntfy_and_gotify_get_what_they_read(target: Target) -> None:
    assert deliver(section("ntfy", url=f"{target.url}/alerts"), "", VALUES).arrived
    assert deliver(section("gotify", url=target.url), "token", VALUES).arrived
    (path, headers, body), (path2, headers2, body2) = target.asked
    assert (path, headers["Title"], body.decode()) == ("/alerts", "[demo] Node gone", VALUES["text"])
    assert (path2, headers2["X-Gotify-Key"], json.loads(body2)["message"]) == ("/message", "token", VALUES["text"])


def test_a_refusal_is_told_in_the_target_s_words_and_a_redirect_is_not_followed(target: Target) -> None:
    target.status, target.location = 302, f"{target.url}/elsewhere"
    told = deliver(section("webhook", url=f"{target.url}/hook"), "", VALUES)
    assert (told.arrived, told.answer, len(target.asked)) == (False, "302 Found heard [31m", 1)


def test_this_host_and_its_link_are_refused_unless_the_target_is_local(target: Target) -> None:
    told = deliver(Section("webhook", "ops", {"url": target.url}), "", VALUES)
    assert not told.arrived and "not said to be local" in told.answer and target.asked == []
    for address in ("127.0.0.1", "::1", "169.254.169.254", "fe80::1", "::ffff:127.0.0.1"):
        with pytest.raises(OSError):
            checked_address(address, 80, local=False)
    for address in ("0.0.0.0", "224.0.0.1", "255.255.255.255"):
        with pytest.raises(OSError):
            checked_address(address, 80, local=True)
    assert checked_address("192.0.2.1", 80, local=False) == "192.0.2.1"


def test_nobody_there_is_said_plainly(target: Target) -> None:
    target.server.server_close()
    assert "cannot be reached" in deliver(section("webhook", url=target.url), "", VALUES).answer


class Mailbox:
    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.answer = "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.mails.append(envelope)
        return self.answer


def test_a_mail_server_takes_the_mail_or_says_why_not() -> None:
    mailbox = Mailbox()
    free = own_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=free)
    controller.start()
    try:
        where = section("smtp", server="127.0.0.1", port=str(free), mode="insecure", to="a@b.example,c@d.example",
                        **{"from": "quire@b.example"})  # fmt: skip
        assert deliver(where, "", VALUES).arrived
        assert mailbox.mails[0].rcpt_tos == ["a@b.example", "c@d.example"]
        assert b"Subject: [demo] Node gone" in mailbox.mails[0].content
        mailbox.answer = "550 not for us"
        told = deliver(where, "", VALUES)
        assert not told.arrived and "not for us" in told.answer
    finally:
        controller.stop()
