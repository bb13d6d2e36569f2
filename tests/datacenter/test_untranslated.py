"""No page shows a word that no catalogue knows: all pages and dialogs, rendered in a language that marks what it says.

Whatever is translated comes out between ⟦ and ⟧; what is left must be data: names, addresses, figures, keys.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polib
import pytest
from django.test import AsyncClient
from django.utils import translation

from datacenter import gateway
from datacenter.language import sentences
from tests.browser.services import Services
from tests.datacenter.conftest import ORIGIN, Visitor, text
from tests.datacenter.fake_daemon import PASSWORD
from tests.datacenter.test_language import CATALOGUES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

DATACENTER = (
    "summary", "cluster", "what-if", "options", "permissions", "permissions/groups", "permissions/roles",
    "permissions/tokens", "permissions/two-factor", "permissions/realms", "permissions/rights?userid=root@pam", "tasks",
    "log", "events", "alerts", "alerts/history", "alerts/rules", "alerts/targets", "alerts/silences", "config",
)  # fmt: skip
NODE = ("", "/network", "/time", "/services", "/certificates", "/updates", "/tasks")
PAGES = [f"/datacenter/{name}" for name in DATACENTER] + [f"/nodes/alpha{tab}" for tab in NODE] + ["/account"]
VOID = {"input", "meta", "link", "br", "hr", "img", "use", "wbr"}
SAID = ("title", "aria-label", "placeholder", "alt", "data-label")
# Names and signs that are nobody's words, and what the simulated cluster is called.
DATA = re.compile(
    r"\b(Quire|Deutsch|English|alpha|beta|gamma|delta|simulated|root|UTC|CPU|ID|IP|MTU|API|GiB|MiB|KiB|ms|min|Ctrl|CSV"
    r"|JSON|MAC|OK|U2F|WebAuthn|OpenID|QR|GET|PUT|POST|DELETE|pam|pve|ha|id|rp)\b|\S*[@/.:_\d-]\S*"
)


class Words(HTMLParser):
    """What is read or heard and no catalogue knows, but for logs, code, keys and what is marked as data."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._silent: list[bool] = [False]
        self._depth = 0  # of translations that are open: one may have elements in it

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        classes = set((given.get("class") or "").split())
        quiet = tag in ("script", "style", "code", "kbd", "pre", "textarea", "option") and given.get("value") != ""
        quiet = quiet or bool(classes & {"mono", "log"}) or given.get("translate") == "no"
        for name in SAID:
            # `Edit: this one` names a row by its data.
            self._look(re.sub(r"^(⟦[^⟦⟧]*⟧): .*", r"\1", given.get(name) or ""), 0)
        if tag not in VOID:
            self._silent.append(self._silent[-1] or quiet)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and len(self._silent) > 1:
            self._silent.pop()

    def handle_data(self, data: str) -> None:
        self._depth = self._look("" if self._silent[-1] else data, self._depth)

    def _look(self, text: str, depth: int) -> int:
        outside = ""
        for sign in text:
            depth += {"⟦": 1, "⟧": -1}.get(sign, 0)
            outside += " " if sign in "⟦⟧" else sign if depth == 0 else ""
        if re.search(r"[^\W\d_]{2,}", DATA.sub(" ", outside)):
            self.found.add(" ".join(text.split()))
        return depth


def unmarked(html: str) -> set[str]:
    reader = Words()
    reader.feed(html)
    assert reader._depth == 0
    return reader.found


@pytest.fixture
def marking(monkeypatch: pytest.MonkeyPatch) -> None:
    known = translation._trans  # type: ignore[attr-defined]
    entries = [entry for path in CATALOGUES for entry in polib.pofile(str(path))]
    catalogue = {words for entry in entries for words in (entry.msgid, entry.msgid_plural)}

    def say(text: str) -> str:
        """Choices for `yesno` stand between commas."""
        if text.replace("\r\n", "\n") not in catalogue:
            return text
        return ",".join(f"⟦{each}⟧" for each in text.split(",")) if re.search(r",\S", text) else f"⟦{text}⟧"

    monkeypatch.setattr(known, "gettext", say)
    monkeypatch.setattr(known, "pgettext", lambda context, text: say(text))
    monkeypatch.setattr(known, "ngettext", lambda one, many, count: say(one if count == 1 else many))
    monkeypatch.setattr(sentences, "get_language", lambda: "marking")
    sentences._in.cache_clear()


@pytest.fixture
async def visitor(tmp_path: Path, settings: Any) -> AsyncIterator[Visitor]:
    """At the pages of a real daemon over a simulated cluster, which has something to show on each."""
    node = Services(tmp_path)
    node.start("whole")
    settings.QUIRE_SOCKET = str(tmp_path / "control.sock")
    visitor = Visitor.__new__(Visitor)
    visitor.client, visitor.headers = AsyncClient(), dict(ORIGIN)
    await visitor.sign_in(PASSWORD)
    yield visitor
    await gateway.client().close()
    node.stop("whole")


@pytest.mark.usefixtures("marking")
async def test_every_word_on_every_page_and_in_every_dialog_comes_from_a_catalogue(visitor: Visitor) -> None:
    found: dict[str, set[str]] = {}
    seen: set[str] = set()
    for path in PAGES:
        page = await visitor.get(path)
        assert page.status_code == 200, (path, page.status_code, text(page)[-600:])
        found[path] = unmarked(text(page))
        for address in re.findall(r'hx-get="([^"]+)"[^>]*hx-target="#dialog-slot"', text(page)):
            if (name := re.sub(r"alpha|beta|gamma|delta", "*", address.partition("?")[0])) not in seen:
                seen.add(name)
                found[name] = unmarked(text(await visitor.htmx(address.replace("&amp;", "&"))))
    everywhere = found["/datacenter/summary"]
    told = [f"{path}: {words[:160]}" for path, some in found.items() for words in sorted(some - everywhere)]
    told += [f"everywhere: {words}" for words in sorted(everywhere)]
    assert not told, "\n".join(told)
    assert len(seen) > 15
