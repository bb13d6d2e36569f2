"""Settings from the environment, and the checks that say what is wrong with them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from datacenter import checks, environment

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("word", "means"), [("1", True), ("Yes", True), ("off", False), ("", False)])
def test_a_flag_is_read_from_a_word(monkeypatch: pytest.MonkeyPatch, word: str, means: bool) -> None:
    monkeypatch.setenv("QUIRE_DEBUG", word)
    assert environment.flag("QUIRE_DEBUG") is means


def test_an_odd_value_fails_in_words_and_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUIRE_DEBUG", "maybe")
    with pytest.raises(ImproperlyConfigured, match="QUIRE_DEBUG is 'maybe'; say one of"):
        environment.flag("QUIRE_DEBUG")
    monkeypatch.setenv("QUIRE_CALL_TIMEOUT_S", "soon")
    with pytest.raises(ImproperlyConfigured, match="QUIRE_CALL_TIMEOUT_S is 'soon'; say a whole number from 1 to 120"):
        environment.number("QUIRE_CALL_TIMEOUT_S", 10, 1, 120)


def test_a_secret_may_be_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret\n")
    monkeypatch.setenv("QUIRE_SECRET_KEY_FILE", str(tmp_path / "key"))
    assert environment.secret("QUIRE_SECRET_KEY") == "s3cret"
    monkeypatch.setenv("QUIRE_SECRET_KEY_FILE", str(tmp_path / "none"))
    with pytest.raises(ImproperlyConfigured, match="cannot be read"):
        environment.secret("QUIRE_SECRET_KEY")


def test_a_list_has_no_empty_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUIRE_ALLOWED_HOSTS", "alpha, ,10.0.0.1,")
    assert environment.words("QUIRE_ALLOWED_HOSTS", "*") == ["alpha", "10.0.0.1"]


@pytest.mark.parametrize(
    ("setting", "value", "check", "found"),
    [
        ("QUIRE_SOCKET", "/" + "x" * 120, checks.socket_path_fits, "quire.E001"),
        ("QUIRE_REDIS_URL", "localhost:6379", checks.redis_address_is_one, "quire.E002"),
        ("STATIC_DIR", ROOT / "nowhere", checks.static_files_are_here, "quire.E003"),
        ("QUIRE_ORIGIN_SCHEME", "ftp", checks.origin_scheme_is_one, "quire.E004"),
        ("DEBUG", True, checks.debug_is_off, "quire.W001"),
        ("MIDDLEWARE", [], checks.what_is_silenced_is_done_by_ours, "quire.E005"),
        ("SILENCED_SYSTEM_CHECKS", ["security.W009"], checks.what_is_silenced_is_done_by_ours, "quire.E005"),
    ],
)
def test_each_check_finds_what_it_is_for(settings: Any, setting: str, value: Any, check: Any, found: str) -> None:
    assert check() == []
    setattr(settings, setting, value)
    assert [(one.id, bool(one.hint)) for one in check()] == [(found, True)]


def test_t66_manage_check_finds_nothing() -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("QUIRE_")}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    ran = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stderr
    assert ran.stdout.startswith("System check identified no issues")


def test_t66_three_checks_are_silenced_and_said_why_and_no_other(settings: Any) -> None:
    why = (ROOT / "docs/threat-model.md").read_text(encoding="utf-8")
    assert set(settings.SILENCED_SYSTEM_CHECKS) == set(checks.INSTEAD) == set(re.findall(r"security\.W\d+", why))


def test_t66_the_site_s_own_key_is_another_with_every_start() -> None:
    """It signs nothing that outlives a process: sessions are tickets, signed by the cluster's key."""
    shown = [sys.executable, "-c", "from datacenter import settings; print(settings.SECRET_KEY)"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("QUIRE_")}
    keys = {subprocess.run(shown, cwd=ROOT, env=environ, capture_output=True, text=True).stdout for _ in range(2)}
    assert len(keys) == 2 and all(len(key) > 50 for key in keys)
