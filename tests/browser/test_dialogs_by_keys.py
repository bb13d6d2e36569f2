"""The dialogs of lists, files and the session by keyboard alone: gone through, refused, mended, sent again, closed.

What is refused keeps what was typed and goes to the field that is wrong; Escape closes and gives the focus back; every
control is reached. Over a real daemon with something in every list. Which template is walked where is said in
`keyed.py`; those that change the cluster are walked in `test_cluster_dialogs_by_keys.py`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pyotp
import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Browser, Page, Route, expect

from datacenter.account import sheets as account
from datacenter.alerts import views as alerts
from datacenter.options import views as options
from datacenter.permissions import views as permissions
from demo.browser import visitor_context
from tests.browser.conftest import Visitor
from tests.browser.furnished import CHARLIE, add_authenticator, administrator, furnish_accounts, furnished_node
from tests.browser.keyed import DIALOGS, STANDING, Keyed, enter
from tests.browser.services import Services
from tests.browser.site import await_live, go
from tests.browser.walk import OPENERS, PAGES, dialog_of
from tests.datacenter.fake_daemon import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

RUBBISH, NEW_PASSWORD = "no such! thing", "battery staple"
ELSEWHERE = {title for walk in ("cluster", "file") for title in DIALOGS[walk].values()}
REFUSED_ONLY = {"/account/sessions/end-all", "/account/me/password"}  # they would end the walk
# What is right in each field; a select takes letters, a moment the keys of its parts, a tick is ticked.
RIGHT = {
    "userid": "carol", "password": "correct horse", "again": "correct horse", "email": "carol@example.org",
    "groupid": "cellar", "roleid": "Cellar", "tokenid": "cd", "port": "636", "server1": "127.0.0.1",
    "base_dn": "dc=example,dc=org", "user_attr": "uid", "domain": "example.org", "client-id": "quire",
    "issuer-url": "https://127.0.0.1:9/", "confirmation-password": PASSWORD, "path": "/nodes", "who": "G",
    "id": "there", "url": "http://127.0.0.1:9/", "server": "127.0.0.1", "mailfrom": "a@example.org",
    "mailto": "b@example.org", "until": "01012099 1200A", "threshold": "", "local": "1", "description": "a description",
    "comment": "a comment", "firstname": "Carol", "lastname": "Example", "privs": "1",
}  # fmt: skip


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with furnished_node(tmp_path_factory.mktemp("keys")) as here:
        furnish_accounts(here)
        yield here


def test_the_dialogs_of_every_list(node: Services, browser: Browser) -> None:
    context = visitor_context(browser, reduced_motion="reduce", locale="en-GB")
    page = context.new_page()
    page.goto(node.url)
    keyed = Keyed(enter(page))
    seen: dict[str, str] = {}
    for path in PAGES:
        every_dialog(keyed, node.url + path, seen)
    context.close()
    own_dialogs(node, browser, keyed, seen)
    for name, became in seen.items():
        print(f"{became:10} {name}")
    assert keyed.problems == [], "\n".join(keyed.problems)
    assert sorted(acts() - set(seen)) == [], "these were not offered"
    assert set(DIALOGS["lists"].values()) - keyed.walked == set()


def every_dialog(keyed: Keyed, url: str, seen: dict[str, str]) -> None:
    """Those of a page that no other has shown."""
    go(keyed.page, url)
    while address := unseen(keyed.page, seen):
        seen[dialog_of(address)] = one_of_a_list(keyed, address)


def own_dialogs(node: Services, browser: Browser, walked: Keyed, seen: dict[str, str]) -> None:
    """Of an account whose password is kept here: of its authenticator, and of the password, which ends the session."""
    context = visitor_context(browser, reduced_motion="reduce", locale="en-GB")
    page = context.new_page()
    page.goto(node.url)
    keyed = Keyed(page, walked.problems, walked.walked)
    sign_in_by_keys(page, PASSWORD)
    await_live(page)
    add_authenticator(administrator(node), CHARLIE)
    every_dialog(keyed, f"{node.url}/account", seen)
    keyed.open(page.get_by_role("button", name="Change password"), "change my password")
    keyed.fill({"password": NEW_PASSWORD, "again": NEW_PASSWORD, "confirmation-password": PASSWORD})
    assert keyed.send() == 204
    keyed.closed()
    context.clear_cookies()
    page.goto(node.url)
    sign_in_by_keys(page, NEW_PASSWORD)
    expect(page.get_by_label("Code of your authenticator")).to_be_focused()
    context.close()


def sign_in_by_keys(page: Page, password: str) -> None:
    """The form begins in its password, after the name and the realm."""
    for key in ("Shift+Tab", "Shift+Tab"):
        page.keyboard.press(key)
    page.keyboard.type(CHARLIE)
    for key in ("Tab", "Tab"):
        page.keyboard.press(key)
    page.keyboard.type(password)
    page.keyboard.press("Enter")


def acts() -> set[str]:
    """The dialogs that sheets describe."""
    rooms = [(f"/datacenter/{room.tab}", room.sheets) for room in (permissions.ROOM, options.ROOM, alerts.ROOM)]
    return {
        dialog_of(f"{start}/{sheet.name}/{act.name}")
        for start, sheets in [*rooms, ("/account", account.SHEETS)]
        for sheet in sheets.values()
        for act in (*sheet.acts, *sheet.of_row)
    }


def unseen(page: Page, seen: dict[str, str]) -> str:
    """The address of the first dialog offered here that was not walked and is not walked elsewhere."""
    every = page.locator(OPENERS).evaluate_all("all => all.map((one) => one.getAttribute('hx-get'))")
    return next((one for one in every if one and dialog_of(one) not in seen), "")


def one_of_a_list(keyed: Keyed, address: str) -> str:
    """→ what became of it."""
    page = keyed.page
    opener = page.locator(f'{OPENERS}[hx-get="{address}"]').first
    keyed.open(opener, address)
    if keyed.title() in ELSEWHERE:
        keyed.escape(opener)
        return "elsewhere"
    typed = keyed.fill({}, RUBBISH)
    became = "closed"
    if page.locator("dialog[open] form [type=submit]").count():
        became = "done" if keyed.send() < 400 else "refused"
        if became == "refused" and keyed.is_refused(typed) and dialog_of(address) not in REFUSED_ONLY:
            typed = keyed.fill({**RIGHT, "realm": f"new-{address.rpartition('-')[2]}"}, "")
            became = "mended" if keyed.send() < 400 else "refused"
            if became == "refused":
                keyed.is_refused(typed)
                print(address, page.evaluate(STANDING)["said"])
    answered(keyed)
    if page.locator("dialog[open]").count():
        keyed.escape(opener)
    return became


def answered(keyed: Keyed) -> None:
    """A dialog in place of the first, which begins at the button that closes it."""
    page = keyed.page
    if page.locator("dialog[open][aria-labelledby=act-title]").count() == 0 and page.locator("dialog[open]").count():
        keyed.arrived()
        if keyed.title() in ("secret-title", "recovery-title", "tested-title"):
            page.keyboard.press("Enter")
            keyed.closed()


def test_a_file_is_written_changed_and_compared(node: Services, visitor: Visitor) -> None:
    page = visitor(node.url)
    keyed = Keyed(enter(page))
    go(page, f"{node.url}/datacenter/config")
    content = page.get_by_label("Content of datacenter.cfg")
    for text in ("keyboard: de\n", "keyboard: fr\n"):
        keyed.open(page.get_by_role("button", name=re.compile("^(New file|Edit)$")).first, "edit a file")
        typed = keyed.fill({"path": "datacenter.cfg", "text": text})
        assert typed["text"] == text
        assert keyed.send() == 200
        expect(page.get_by_text("This is what changes.")).to_be_visible()
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Save")).to_be_focused()
        page.keyboard.press("Enter")
        keyed.closed()
        expect(content).to_have_text(text)
    compare = page.get_by_role("button", name=re.compile("^Compare")).first
    keyed.open(compare)
    keyed.fill({})
    keyed.escape(compare)
    assert keyed.problems == [] and keyed.walked == set(DIALOGS["file"].values())


def test_a_change_that_was_not_kept_is_made_again(node: Services, visitor: Visitor) -> None:
    """The page has none to show; the dialog is put on it as its own template makes it."""
    page = visitor(node.url)
    keyed = Keyed(enter(page))
    operations = [{"what": "write", "path": "a.cfg", "data": b"mine", "text": "mine"}]
    one = {"id": "c1", "user": "alice@pve", "node": "beta", "operations": operations}

    def shown(route: Route) -> None:
        made = "4.7" if route.request.method == "POST" else ""
        route.fulfill(body=render_to_string("configs/_conflict.html", {"one": one, "made": made}))

    page.route("**/config/conflicts/**", shown)
    page.evaluate(
        "() => { const button = document.createElement('button'); button.textContent = 'Show'; button.id = 'shows';"
        " button.dataset.dialog = ''; button.setAttribute('hx-get', '/datacenter/config/conflicts/c1');"
        " button.setAttribute('hx-target', '#dialog-slot');"
        " document.querySelector('#content').prepend(button); htmx.process(button); }"
    )
    opener = page.locator("#shows")
    keyed.open(opener)
    keyed.fill({})
    keyed.send()
    expect(keyed.dialog).to_contain_text("The change was made again")
    keyed.escape(opener)
    assert keyed.problems == [] and keyed.walked == set(DIALOGS["conflict"].values())


# --- the session ------------------------------------------------------------------------------------------------------


def test_a_session_that_ended_is_begun_anew_over_the_page_with_a_second_factor(
    node: Services, browser: Browser
) -> None:
    context = visitor_context(browser, reduced_motion="reduce", locale="en-GB")
    page = context.new_page()
    page.goto(node.url)
    keyed = Keyed(enter(page))
    go(page, f"{node.url}/account")
    opener = page.get_by_role("button", name="Authenticator")
    keyed.open(opener, "authenticator")
    secret = page.get_by_label("Secret", exact=True).input_value()
    typed = keyed.fill({"value": "000000", "description": "my phone", "password": PASSWORD})
    assert keyed.send() == 422 and keyed.is_refused(typed)
    keyed.fill({"value": pyotp.TOTP(secret).now(), "description": "my phone", "password": PASSWORD})
    assert keyed.send() == 200
    keyed.closed()
    go(page, f"{node.url}/datacenter/cluster")
    context.clear_cookies()
    page.get_by_role("button", name="Join Information").focus()
    page.keyboard.press("Enter")
    again = page.get_by_role("dialog", name="Sign in again")
    expect(again).to_be_visible(timeout=30_000)
    keyed.arrived()
    keyed.what = "sign in again"
    typed = keyed.fill({"again-password": "wrong horse", "password": "wrong horse"})
    keyed.send()
    assert keyed.is_refused({})
    page.keyboard.press("Escape")
    expect(again).to_be_visible()
    keyed.fill({"password": PASSWORD})
    keyed.send()
    second = page.get_by_role("dialog", name="Second factor")
    expect(second).to_be_visible()
    keyed.what = "second factor"
    later = pyotp.TOTP(secret).at(int(time.time()) + 30)
    keyed.fill({"code": "000000", "password": "000000"})
    keyed.send()
    assert keyed.is_refused({})
    keyed.fill({"code": later, "password": later})
    keyed.send()
    expect(second).to_have_count(0)
    context.close()
    assert keyed.problems == [], "\n".join(keyed.problems)
    assert set(DIALOGS["session"].values()) <= keyed.walked
