"""What Quire is built from: exact versions, none with a hole we know of; pages fetch nothing from elsewhere."""

from __future__ import annotations

import ast
import json
import re
from importlib import metadata
from pathlib import Path

from cluster.node.access import passwords

ROOT = Path(__file__).resolve().parents[2]
PIN = re.compile(r"([A-Za-z0-9._-]+)==([0-9][0-9A-Za-z.]*)")
# The first version without the hole: CVE-2026-44545 and -44546; CVE-2026-3902, -33033, CVE-2025-64459; CVE-2025-14550;
# CVE-2020-35681.
SOUND_FROM = {"daphne": (4, 2, 2), "Django": (5, 2, 13), "asgiref": (3, 8, 0), "channels": (4, 0, 0)}
ELSEWHERE = re.compile(
    r"""(?:src|href|action)\s*=\s*["'](?:https?:)?//|url\(\s*["']?(?:https?:)?//|@import\s+["'](?:https?:)?//"""
)


def pinned(name: str) -> dict[str, str]:
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    found = [PIN.fullmatch(line) for line in lines if line and not line.startswith("-r ")]
    assert all(found), f"{name}: every line names one version"
    return {match[1]: match[2] for match in found if match}


def test_t65_every_library_is_pinned_to_one_version() -> None:
    assert len(pinned("requirements.txt")) > 20 and pinned("requirements-dev.txt")


def test_t65_what_is_pinned_has_no_known_hole() -> None:
    versions = pinned("requirements.txt")
    for name, sound in SOUND_FROM.items():
        assert tuple(int(part) for part in versions[name].split(".")[:3]) >= sound, name


def test_t65_what_runs_is_what_is_pinned() -> None:
    """Nothing came beside it, and nothing was put in its place."""
    for name, version in pinned("requirements.txt").items():
        assert metadata.version(name) == version, name


def test_t65_what_pages_take_from_others_is_known_by_its_hash() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    taken = {name: each for name, each in packages.items() if name}
    assert taken and all(each["integrity"].startswith("sha512-") for each in taken.values())
    asked = json.loads((ROOT / "package.json").read_text())["dependencies"]
    assert {f"node_modules/{name}": version for name, version in asked.items()}.items() <= {
        name: each["version"] for name, each in taken.items()
    }.items()


def test_t65_no_page_fetches_anything_from_elsewhere() -> None:
    for folder, kinds in (("templates", "*.html"), ("static", "*.css"), ("static", "*.js")):
        for path in (ROOT / folder).rglob(kinds):
            if "vendor" not in path.parts:
                assert not ELSEWHERE.search(path.read_text(encoding="utf-8")), path


def test_t53_what_comes_through_redis_is_no_code() -> None:
    """Messages are msgpack, read by type; nothing in the site or the daemon unpickles or evaluates anything."""
    forbidden = {"pickle", "marshal", "shelve", "dill"}
    for path in (*(ROOT / "datacenter").rglob("*.py"), *(ROOT / "cluster").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name.partition(".")[0] for alias in node.names} | {getattr(node, "module", None) or ""}
                assert not names & forbidden, path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec"), path
            if isinstance(node, ast.keyword) and node.arg == "shell":
                assert isinstance(node.value, ast.Constant) and node.value.value is False, path


def test_pam_is_asked_for_no_session() -> None:
    """A session would run pam_env, which reads files of the user that signs in."""
    assert "open_session" not in Path(passwords.__file__).read_text(encoding="utf-8")
