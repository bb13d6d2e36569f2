"""The site with a fake daemon behind it, as a process a browser can visit, and a script for what happens there."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.datacenter.fake_daemon import PASSWORD
from tests.datacenter.served import write_certificate
from tests.places import own_port

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "127.0.0.1"
STOP_SECONDS_MAX = 15
LOAD_MS_MAX = 12_000


class Site:
    """`site.do("set_online", name="gamma", online=False)` calls that method of the fake daemon."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, own_port()
        self._process: subprocess.Popen[str] | None = None
        write_certificate(folder)

    @property
    def url(self) -> str:
        return f"https://{ADDRESS}:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.datacenter.serve_pages", str(self.folder), str(self.port)]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("QUIRE_")}
        with (self.folder / "stderr").open("a") as errors:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        self._expect("ready")

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

    def do(self, method: str, /, **arguments: Any) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(json.dumps([method, arguments]) + "\n")
        self._process.stdin.flush()
        self._expect("done")

    def _expect(self, word: str) -> None:
        assert self._process is not None and self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line == word, (self.folder / "stderr").read_text()


@contextlib.contextmanager
def served(folder: Path) -> Iterator[Site]:
    site = Site(folder)
    site.start()
    try:
        yield site
    finally:
        site.stop()


def sign_in(page: Page, password: str = PASSWORD) -> Page:
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    return await_live(page)


def go(page: Page, url: str) -> Page:
    page.goto(url)
    return await_live(page)


def go_again(page: Page) -> Page:
    page.reload()
    return await_live(page)


def await_live(page: Page) -> Page:
    """Until the page is told of changes, all its scripts listen, and its palette is there.

    When an interface appears on this machine, as in tests with namespaces, Chromium drops what it is loading
    (ERR_NETWORK_CHANGED); a page that lost a script so is loaded once more."""
    live = page.locator("html[data-socket=open][data-scripts=all]:has(#palette)")
    try:
        expect(live).to_be_attached(timeout=LOAD_MS_MAX)
    except AssertionError:
        page.reload()
        expect(live).to_be_attached()
    return page
