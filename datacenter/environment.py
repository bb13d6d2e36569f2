"""Readers for settings that come from the environment; each fails in words, naming the variable and what it wants.

Knows no setting by name. `settings.py` says which there are.
"""

from __future__ import annotations

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

WORDS_ON = {"1", "true", "yes", "on"}
WORDS_OFF = {"", "0", "false", "no", "off"}


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, default).strip()


def flag(name: str, default: bool = False) -> bool:
    word = os.environ.get(name, "on" if default else "off").strip().lower()
    if word in WORDS_ON:
        return True
    if word in WORDS_OFF:
        return False
    raise ImproperlyConfigured(f"{name} is {word!r}; say one of 1, true, yes, on or 0, false, no, off.")


def number(name: str, default: int, least: int, most: int) -> int:
    word = os.environ.get(name, str(default)).strip()
    if not word.isdecimal() or not least <= int(word) <= most:
        raise ImproperlyConfigured(f"{name} is {word!r}; say a whole number from {least} to {most}.")
    return int(word)


def words(name: str, default: str) -> list[str]:
    """A comma-separated list without empty entries."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def secret(name: str) -> str:
    """A secret from the variable itself, or from the file that `<name>_FILE` names. Empty when neither is set."""
    path = text(f"{name}_FILE")
    if not path:
        return text(name)
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{name}_FILE names {path}, which cannot be read: {error}") from error
