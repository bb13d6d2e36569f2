"""Reads requirements*.lock: what is installed, in which version, and the hashes its files may have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = {"requirements.txt": "requirements.lock", "requirements-dev.txt": "requirements-dev.lock",
         "requirements-crypt.txt": "requirements-crypt.lock"}  # fmt: skip
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Locked:
    requirement: Requirement
    version: str
    hashes: tuple[str, ...]

    @property
    def here(self) -> bool:
        """Whether this Python is to have it."""
        return self.requirement.marker is None or self.requirement.marker.evaluate()


def locked(name: str) -> dict[str, Locked]:
    """A lock by the distributions' names. Whatever is no requirement with hashes behind it is an error."""
    found = {}
    for line in (ROOT / name).read_text().replace("\\\n", " ").splitlines():
        text, *hashes = re.split(r"\s+(?=--hash=)", line.strip())
        requirement = Requirement(text)
        assert all(map(HASH.fullmatch, hashes)), f"{name}: {text} has a hash that is none"
        (only,) = requirement.specifier
        assert only.operator == "==", f"{name}: {text} may be several versions"
        found[canonicalize_name(requirement.name)] = Locked(requirement, only.version, tuple(hashes))
    return found


def asked(name: str) -> list[Requirement]:
    """What a requirements*.txt names itself."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-r ")]


def needed(requirements: list[Requirement]) -> set[str]:
    """These and all that what is installed says it needs in its turn, here; in names. Not below what is not installed:
    what must be is `locked`'s to say."""
    seen: set[tuple[str, str]] = set()
    waiting = [(canonicalize_name(one.name), extra) for one in requirements for extra in ("", *one.extras)]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            lines = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        for one in map(Requirement, lines):
            if one.marker is None or one.marker.evaluate({"extra": extra}):
                waiting += [(canonicalize_name(one.name), each) for each in ("", *one.extras)]
    return {name for name, _ in seen}
