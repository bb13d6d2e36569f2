"""Stands in for a node: answers HTTPS on the address it is told, and starts a process of its own that detaches itself.

With `--state` ending in `stubborn` it ignores SIGTERM, as a daemon that hangs would.
"""

import argparse
import http.server
import signal
import ssl
import subprocess
from pathlib import Path

CERTIFICATE = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=stand-in -days 2"


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("--address", "--state"):
        parser.add_argument(name, required=True)
    parser.add_argument("--port", type=int, required=True)
    chosen, _ = parser.parse_known_args()
    state = Path(chosen.state)
    if state.name == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.run(
        [*CERTIFICATE.split(), "-keyout", state / "key.pem", "-out", state / "cert.pem"],
        check=True,
        capture_output=True,
    )
    subprocess.run(["setsid", "--fork", "sleep", "300"], check=True)
    server = http.server.ThreadingHTTPServer((chosen.address, chosen.port), http.server.SimpleHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(state / "cert.pem", state / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
