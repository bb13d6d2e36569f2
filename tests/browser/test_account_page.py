"""One's own account in a real Chromium: a security key (Chromium's own pretended one) and an authenticator."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from demo import pages
from demo.browser import CHROMIUM, FLAGS, visitor_context
from tests.scenarios.conftest import NETWORK, demo_of

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

ADDRESS, HOST = f"{NETWORK}.111", "alpha.test"
USER, PASSWORD = "alice@pve", "correct horse"
KEY = {
    "protocol": "ctap2", "transport": "usb", "hasResidentKey": False, "hasUserVerification": False,
    "automaticPresenceSimulation": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Security keys are bound to a host's name, and are not used where the certificate is not trusted."""
    flags = [*FLAGS, f"--host-resolver-rules=MAP {HOST} {ADDRESS}", "--ignore-certificate-errors"]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield started
        started.close()


def sign_in(page: Page, url: str) -> None:
    page.goto(f"{url}/account")
    page.get_by_label("User name").fill("alice")
    page.get_by_label("Realm").select_option("pve")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")


def arrive(page: Page) -> None:
    """The page is there, and its scripts listen."""
    expect(pages.heading(page, "Second factors")).to_be_visible()
    pages.await_live(page)


def sign_out(page: Page) -> None:
    page.locator("[data-menu] summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


def test_a_key_and_an_authenticator_are_added_and_asked_for(browser: Browser) -> None:
    with demo_of("loopback", 1, ADDRESS) as here:
        here["alpha"].post("/access/users", userid=USER, password=PASSWORD)
        context = visitor_context(browser)
        page = context.new_page()
        tools = context.new_cdp_session(page)
        tools.send("WebAuthn.enable")
        tools.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})
        url = here["alpha"].url.replace(ADDRESS, HOST)
        sign_in(page, url)
        arrive(page)
        add_key(page)
        sign_out(page)
        sign_in(page, url)
        expect(page.get_by_role("button", name="Use a security key")).to_be_visible()
        page.wait_for_load_state()  # and with it the script that asks for the key
        page.get_by_role("button", name="Use a security key").click()
        arrive(page)
        secret = add_authenticator(page)
        sign_out(page)
        sign_in(page, url)
        page.get_by_label("Code of your authenticator").fill(
            pyotp.TOTP(secret).at(int(time.time()) + 30)
        )  # the next one: good for longer
        page.keyboard.press("Enter")
        expect(pages.heading(page, "Where I am signed in")).to_be_visible()
        context.close()


def add_key(page: Page) -> None:
    dialog = pages.open_dialog(page, "Security key")
    dialog.get_by_label("Description").fill("blue key")
    dialog.get_by_label("Your own password").fill(PASSWORD)
    dialog.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("row", name="webauthn")).to_contain_text("blue key")
    expect(pages.dialog(page)).to_have_count(0)


def add_authenticator(page: Page) -> str:
    """→ its secret. A wrong code is told beside the field."""
    dialog = pages.open_dialog(page, "Authenticator")
    secret = dialog.get_by_label("Secret", exact=True).input_value()
    dialog.get_by_label("Your own password").fill(PASSWORD)
    dialog.get_by_label("Code it shows now").fill("000000")
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("Is not the code it shows now.")).to_be_visible()
    dialog.get_by_label("Code it shows now").fill(pyotp.TOTP(secret).now())
    page.keyboard.press("Enter")
    expect(page.get_by_role("row", name="totp")).to_be_visible()
    return secret
