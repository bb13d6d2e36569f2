"""A dialog by keyboard alone: opened, gone through with Tab, filled, sent with Enter, refused, mended, and closed.

`DIALOGS` says of every dialog's template which test walks it, and by which title it is known; a fast test holds it
against the templates there are. What is typed is each test's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, Response, TimeoutError, expect

from tests.browser.site import await_live
from tests.datacenter.fake_daemon import PASSWORD

TABS_MAX, PASTED_FROM = 250, 40
# By what walks them: `test_dialogs_by_keys.py`, and of the cluster's own `test_cluster_dialogs_by_keys.py`.
DIALOGS: dict[str, dict[str, str]] = {
    "lists": {
        "sheets/_dialog.html": "act-title", "sheets/_secret.html": "secret-title",
        "alerts/_tested.html": "tested-title", "account/_recovery.html": "recovery-title",
        "account/_webauthn.html": "act-title",
        "membership/_compare.html": "compare-title", "membership/_link_history.html": "history-title",
    },
    "cluster": {
        "membership/_create.html": "create-title", "membership/_join.html": "join-title",
        "membership/_join_information.html": "invite-title", "membership/_rename.html": "rename-title",
        "membership/_remove.html": "remove-title", "membership/_leave.html": "leave-title",
        "membership/_change_links.html": "change-links-title", "membership/_expected.html": "expected-title",
        "membership/_undo_join.html": "undo-join-title", "membership/_set_up_witness.html": "set-up-witness-title",
        "membership/_remove_witness.html": "remove-witness-title", "tasks/_window.html": "task-title",
    },
    "session": {
        "account/_totp.html": "act-title", "session/_again.html": "again-title",
        "session/_again_second.html": "again-title",
    },
    "file": {"configs/_edit.html": "edit-title", "configs/_change.html": "change-title"},
    "conflict": {"configs/_conflict.html": "conflict-title"},
    "test_shell.py": {"shell/_palette.html": ""},  # test_everything_is_reached_by_the_keyboard_alone
}  # fmt: skip

# What has the focus; `again` once it is something that had it before.
AT = """() => {
  const at = document.activeElement, dialog = document.querySelector('dialog[open]:last-of-type');
  if (!dialog || !dialog.contains(at) || at === dialog) return null;
  const again = 'walked' in at.dataset && at !== window.lastWalked;
  const entered = at !== window.lastWalked;
  at.dataset.walked = '';
  window.lastWalked = at;
  const kind = at.matches('[type=submit]') ? 'submit' : at.matches('select') ? 'select'
    : at.matches('[type=checkbox]') ? 'check' : at.matches('[type=datetime-local]') ? 'moment'
    : at.matches('input:not([readonly], [type=radio]), textarea:not([readonly])') ? 'text' : '';
  return {name: at.name || at.id || at.textContent.trim(), kind, again, entered, value: at.value ?? ''};
}"""
UNREACHED = """() => [...document.querySelector('dialog[open]:last-of-type').querySelectorAll('a[href], summary,'
    + ' button:enabled, input:enabled:not([type=hidden], [type=radio]), select:enabled, textarea:enabled')]
  .filter((one) => one.tabIndex >= 0 && one.checkVisibility({visibilityProperty: true}) && !('walked' in one.dataset))
  .map((one) => one.outerHTML.slice(0, 100))"""
WHITHER = """() => {
  const {form} = document.activeElement;
  return new URL(form.getAttribute('hx-post') ?? form.action, location).pathname;
}"""
STANDING = """() => {
  const dialog = document.querySelector('dialog[open]:last-of-type'), at = document.activeElement;
  const sentences = dialog.querySelectorAll('.form-error, .field-error, .note-bad');
  const said = [...sentences].map((one) => one.textContent.trim());
  const values = [...dialog.querySelectorAll('input[name], textarea[name], select[name]')];
  return {said: said.filter(Boolean), invalid: dialog.querySelectorAll('[aria-invalid=true]').length,
          atField: at.matches('[aria-invalid=true]'), inside: dialog.contains(at) && at !== dialog,
          values: Object.fromEntries(values.map((one) => [one.name, one.value]))};
}"""


def enter(page: Page) -> Page:
    """The form begins in its password."""
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    return await_live(page)


@dataclass
class Keyed:
    """What was walked is noted by title; `problems` gathers what is wrong."""

    page: Page
    problems: list[str] = field(default_factory=list)
    walked: set[str] = field(default_factory=set)
    what: str = ""

    @property
    def dialog(self) -> Locator:
        return self.page.locator("dialog[open]").last

    def title(self) -> str:
        return self.dialog.get_attribute("aria-labelledby") or ""

    def open(self, opener: Locator, what: str = "") -> None:
        for _ in range(3):  # a list that a change puts anew takes the focus from its buttons: then once more
            opener.focus()
            self.page.keyboard.press("Enter")
            try:
                expect(self.dialog).to_be_visible(timeout=8000)
                break
            except AssertionError:
                continue
        self.arrived()
        self.what = what or self.title()

    def arrived(self) -> None:
        expect(self.dialog).to_be_visible()
        expect(self.dialog).not_to_have_class(re.compile("htmx-added"))
        self.walked.add(self.title())

    def fill(self, values: Mapping[str, str], otherwise: str | None = None, grows: bool = False) -> dict[str, str]:
        """Once round with Tab, typing into each field what is meant for it; → what was typed into which. `grows`: what
        is typed brings more fields, for the next time round."""
        typed: dict[str, str] = {}
        self.page.evaluate(
            "() => { delete window.lastWalked;"
            " for (const one of document.querySelectorAll('[data-walked]')) delete one.dataset.walked; }"
        )
        if self.page.evaluate("() => document.activeElement === document.body"):
            self.problems.append(f"{self.what} does not take the focus")
        for _ in range(TABS_MAX):
            at = self.page.evaluate(AT)
            if at is not None and at["again"]:
                break
            if at is not None and at["entered"]:
                self._type(at, values, otherwise, typed)
            self.page.keyboard.press("Tab")
        else:
            self.problems.append(f"{self.what} has no end for Tab")
        unreached = [] if grows else self.page.evaluate(UNREACHED)
        self.problems += [f"{self.what} Tab does not reach {one}" for one in unreached]
        return typed

    def _type(
        self, at: dict[str, Any], values: Mapping[str, str], otherwise: str | None, typed: dict[str, str]
    ) -> None:
        name, keyboard = at["name"], self.page.keyboard
        value = values.get(name, otherwise if at["kind"] == "text" else None)
        if value is None:
            return
        if at["kind"] == "check":
            keyboard.press("Space")
        elif at["kind"] == "moment":
            for part in value.split():  # day, month and year; then the time
                keyboard.type(part)
                keyboard.press("ArrowRight")
        elif at["kind"] == "select":
            keyboard.type(value)
        elif at["kind"] == "text":
            keyboard.press("ControlOrMeta+A")
            if not value:
                keyboard.press("Delete")
            elif len(value) > PASTED_FROM or "\n" in value:
                keyboard.insert_text(value)
            else:
                keyboard.type(value)
            typed[name] = value

    def send(self) -> int:
        """By Enter on the button that sends; → the answer's status."""
        for _ in range(TABS_MAX):
            at = self.page.evaluate(AT)
            if at is not None and at["kind"] == "submit":
                break
            self.page.keyboard.press("Tab")
        else:
            self.problems.append(f"{self.what} cannot be sent by keys")
            return 0
        at = self.page.evaluate("() => document.activeElement.outerHTML.slice(0, 120)")
        where = self.page.evaluate(WHITHER)

        def is_ours(answer: Response) -> bool:  # and not that of a field which is looked at while one types
            return answer.request.method == "POST" and urlsplit(answer.url).path == where

        try:
            with self.page.expect_response(is_ours, timeout=8000) as answered:
                self.page.keyboard.press("Enter")
        except TimeoutError as error:
            raise AssertionError(f"{self.what}: nothing is sent by Enter on {at}") from error
        self.page.wait_for_function("() => !document.querySelector('dialog[open] .htmx-request, .htmx-swapping')")
        return answered.value.status

    def is_refused(self, typed: Mapping[str, str]) -> bool:
        """The dialog stands, says why, has kept what was typed, and the focus is at what is wrong."""
        stands = self.page.evaluate(STANDING)
        lost = {name: stands["values"].get(name) for name in typed if stands["values"].get(name) != typed[name]}
        if not stands["said"]:
            self.problems.append(f"{self.what} refuses without a word")
        if lost:
            self.problems.append(f"{self.what} lost what was typed: {lost}")
        if stands["invalid"] and not stands["atField"]:
            self.problems.append(f"{self.what} does not go to the field that is wrong: {stands['said']}")
        if not stands["inside"]:
            self.problems.append(f"{self.what} loses the focus when it refuses: {stands['said']}")
        return bool(stands["said"])

    def escape(self, opener: Locator | None = None) -> None:
        """Closes, and the focus is where it came from."""
        self.page.keyboard.press("Escape")
        self.closed(opener)

    def closed(self, opener: Locator | None = None) -> None:
        expect(self.page.locator("dialog[open]")).to_have_count(0)
        if opener is not None:
            try:
                expect(opener).to_be_focused()
            except AssertionError:
                at = self.page.evaluate("() => document.activeElement.outerHTML.slice(0, 120)")
                self.problems.append(f"{self.what} does not give the focus back; it is at {at}")
