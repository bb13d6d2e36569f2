"""The small program of the witness's host: prepares corosync-qnetd and signs one cluster's certificate, without SSH.

Copy this one file to a Debian host with the package corosync-qnetd and start it there as root: it needs nothing else of
Quire. It prints a line to paste into Datacenter → Cluster → Set up a witness; the line holds where it listens, the
fingerprint of the certificate it made for the occasion, and a token for one cluster. It ends once that cluster is
connected, or when its time is over; corosync-qnetd runs on. What the nodes do is `cluster/workflow/set_up_witness.py`.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import os
import re
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PREFIX = "quire-witness:"
PORT, QNETD_PORT = 5402, 5403
LASTS_S = 3600
BODY_BYTES_MAX = 64 << 10
TALK_S, COMMAND_S, START_S = 10.0, 60.0, 20.0
TALKS_MAX = 8
CERTIFICATES = Path("/etc/corosync/qnetd/nssdb")
RUN = Path("/run/corosync-qnetd")
SYSTEMD = Path("/run/systemd/system")
UNIT, USER = "corosync-qnetd.service", "coroqnetd"
CLUSTER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,13}[A-Za-z0-9])?")


class Refused(Exception):
    """What is answered to the node that asked: an HTTP status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


# --- what is done on this host ----------------------------------------------------------------------------------------


class Qnetd:
    """corosync-qnetd and its certificates. Every command is bounded; what fails is told with its last words."""

    def prepare(self) -> None:
        if not (CERTIFICATES / "cert9.db").exists():
            run(["corosync-qnetd-certutil", "-i"])
            self._let_qnetd_read()
        if answers(QNETD_PORT):
            return
        if SYSTEMD.is_dir():
            run(["systemctl", "enable", "--now", UNIT])
        else:
            self._start_process()
        deadline_s = time.monotonic() + START_S
        while not answers(QNETD_PORT):
            if time.monotonic() > deadline_s:
                raise Refused(500, f"corosync-qnetd does not listen on port {QNETD_PORT}.")
            time.sleep(0.1)

    def _let_qnetd_read(self) -> None:
        """As Debian's package leaves them: root's, and readable by the user that corosync-qnetd runs as."""
        for path in (CERTIFICATES, *CERTIFICATES.iterdir()):
            shutil.chown(path, "root", USER)
            path.chmod(0o750 if path.is_dir() else 0o640)

    def _start_process(self) -> None:
        """Where no systemd runs: as the user and in the folder that its unit would give it."""
        RUN.mkdir(mode=0o770, exist_ok=True)
        shutil.chown(RUN, USER, USER)
        subprocess.Popen(
            ["corosync-qnetd", "-f"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            cwd="/", user=USER, group=USER, extra_groups=[], start_new_session=True,
        )  # fmt: skip

    def sign(self, cluster: str, request: bytes) -> dict[str, str]:
        """The cluster's certificate, and that of the authority that signed it."""
        with tempfile.TemporaryDirectory(prefix="witness-") as folder:
            file = Path(folder, "request.crq")
            file.write_bytes(request)
            run(["corosync-qnetd-certutil", "-s", "-c", str(file), "-n", cluster])
        signed = CERTIFICATES / f"cluster-{cluster}.crt"
        return {
            "ca": base64.b64encode((CERTIFICATES / "qnetd-cacert.crt").read_bytes()).decode(),
            "certificate": base64.b64encode(signed.read_bytes()).decode(),
        }

    def forget(self, cluster: str) -> None:
        (CERTIFICATES / f"cluster-{cluster}.crt").unlink(missing_ok=True)


def run(command: list[str]) -> str:
    try:
        ran = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", timeout=COMMAND_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused(500, f"{command[0]} could not be run: {type(error).__name__}.") from None
    if ran.returncode != 0:
        raise Refused(500, f"{command[0]} failed: {ran.stdout.strip()[-300:]}")
    return ran.stdout


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1.0).close()
    except OSError:
        return False
    return True


# --- the conversation -------------------------------------------------------------------------------------------------


class Enrolment:
    """One token for one cluster. A try that is taken back leaves the token good; asking the same twice is answered
    alike; anybody else is refused."""

    def __init__(self, qnetd: Qnetd, token: str, ends_s: float) -> None:
        self.over = threading.Event()
        self._qnetd, self._token, self._ends_s = qnetd, token, ends_s
        self._lock = threading.Lock()
        self._given: tuple[str, bytes, dict[str, str]] | None = None

    def answer(self, path: str, asked: dict[str, Any]) -> dict[str, str]:
        token = asked.get("token")
        if not isinstance(token, str) or not hmac.compare_digest(token.encode(), self._token.encode()):
            raise Refused(403, "The token is not the one this witness gave.")
        with self._lock:
            if time.monotonic() > self._ends_s or self.over.is_set():
                raise Refused(403, "The token's time is over. Start the program on the witness again.")
            if path == "/enrol":
                return self._enrol(asked)
            if path == "/withdraw":
                return self._withdraw()
            if path == "/done":
                self.over.set()
                return {}
        raise Refused(404, "There is nothing here.")

    def _enrol(self, asked: dict[str, Any]) -> dict[str, str]:
        cluster = asked.get("cluster")
        if not isinstance(cluster, str) or not CLUSTER.fullmatch(cluster):
            raise Refused(400, "This is no name of a cluster.")
        try:
            request = base64.b64decode(str(asked.get("request")), validate=True)
        except ValueError:
            raise Refused(400, "This is no certificate request.") from None
        if self._given is not None:
            if self._given[:2] == (cluster, request):
                return self._given[2]
            raise Refused(403, f"The token is used: the cluster {self._given[0]} enrolled with it.")
        self._qnetd.prepare()
        self._given = (cluster, request, self._qnetd.sign(cluster, request))
        say(f"Signed the certificate of the cluster {cluster}; waiting until its nodes are connected.")
        return self._given[2]

    def _withdraw(self) -> dict[str, str]:
        if self._given is not None:
            self._qnetd.forget(self._given[0])
            say(f"The cluster {self._given[0]} took its set-up back; the token is good again.")
        self._given = None
        return {}


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = TALKS_MAX

    def __init__(self, where: tuple[str, int], context: ssl.SSLContext, enrolment: Enrolment) -> None:
        self.address_family = socket.AF_INET6 if ":" in where[0] else socket.AF_INET
        super().__init__(where, Talk)
        self.context, self.enrolment = context, enrolment
        self.talks = threading.BoundedSemaphore(TALKS_MAX)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """TLS here, in the talk's own thread and within its time; who comes when all are busy is hung up on."""
        if not self.talks.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            request.settimeout(TALK_S)
            line = self.context.wrap_socket(request, server_side=True)
            super().process_request_thread(line, client_address)
        except OSError:
            self.shutdown_request(request)
        finally:
            self.talks.release()


class Talk(BaseHTTPRequestHandler):
    server: Server
    timeout = TALK_S
    server_version, sys_version = "witness", ""

    def do_POST(self) -> None:
        try:
            self._send(200, {"data": self.server.enrolment.answer(self.path, self._asked())})
        except Refused as refused:
            self._send(refused.status, {"data": None, "message": refused.sentence})

    def _asked(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > BODY_BYTES_MAX:
            raise Refused(413, "This is too much, or of no length.")
        try:
            asked = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            raise Refused(400, "This is not what a node asks.") from None
        if not isinstance(asked, dict):
            raise Refused(400, "This is not what a node asks.")
        return asked

    def _send(self, status: int, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Addresses of strangers are not worth a line each."""


# --- beginning --------------------------------------------------------------------------------------------------------


def served_certificate(folder: Path) -> tuple[ssl.SSLContext, str]:
    """A key and certificate for this one conversation, and its fingerprint."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=witness", "-keyout", str(key), "-out", str(certificate)])  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    der = ssl.PEM_cert_to_DER_cert(certificate.read_text(encoding="ascii"))
    digest = hashlib.sha256(der).hexdigest().upper()
    return context, ":".join(digest[place : place + 2] for place in range(0, 64, 2))


def line_to_paste(address: str, port: int, fingerprint: str, token: str) -> str:
    told = {"address": address, "port": port, "fingerprint": fingerprint, "token": token}
    return PREFIX + base64.urlsafe_b64encode(json.dumps(told, separators=(",", ":")).encode()).decode().rstrip("=")


def own_address() -> str:
    """The address this host would be spoken to from elsewhere; no packet is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def say(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Make this host a cluster's witness: a vote beside the nodes'.")
    parser.add_argument("--address", default=own_address(), help="where the nodes reach this host")
    parser.add_argument("--port", type=int, default=PORT, help=f"the port to be asked on (default: {PORT}/tcp)")
    parser.add_argument("--lasts-s", type=int, default=LASTS_S, help="how long the token is good (default: an hour)")
    given = parser.parse_args()
    missing = [name for name in ("corosync-qnetd", "corosync-qnetd-certutil", "openssl") if not shutil.which(name)]
    if os.geteuid() != 0 or missing or not given.address:
        say("This needs root, the packages corosync-qnetd, libnss3-tools and openssl, and an address of this host."
            + (f" Not found: {', '.join(missing)}." if missing else ""))  # fmt: skip
        return 1
    token, qnetd = secrets.token_urlsafe(32), Qnetd()
    enrolment = Enrolment(qnetd, token, time.monotonic() + given.lasts_s)
    signal.signal(signal.SIGTERM, lambda *_: enrolment.over.set())
    try:
        qnetd.prepare()
        with tempfile.TemporaryDirectory(prefix="witness-") as folder:
            context, fingerprint = served_certificate(Path(folder))
        server = Server((given.address, given.port), context, enrolment)
    except (Refused, OSError) as error:
        say(str(error))
        return 1
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say("Paste this into Datacenter → Cluster → Set up a witness, or give it to `pvecm qdevice setup`:")
    say(line_to_paste(given.address, given.port, fingerprint, token))
    try:
        enrolled = enrolment.over.wait(given.lasts_s)
    except KeyboardInterrupt:
        enrolled = False
    server.shutdown()
    say("This program has ended; the witness itself, corosync-qnetd, runs on." if enrolled else "The time is over.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
