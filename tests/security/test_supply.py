"""What Quire is built from: nothing with a hole we know of; pages fetch nothing from elsewhere."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

from cluster.node.access import passwords
from tests.security.locks import ROOT, locked

# The first version without the hole: CVE-2026-44545 and -44546; CVE-2026-3902, -33033, CVE-2025-64459; CVE-2025-14550;
# CVE-2020-35681.
SOUND_FROM = {"daphne": (4, 2, 2), "django": (5, 2, 13), "asgiref": (3, 8, 0), "channels": (4, 0, 0)}
ELSEWHERE = re.compile(
    r"""(?:src|href|action)\s*=\s*["'](?:https?:)?//|url\(\s*["']?(?:https?:)?//|@import\s+["'](?:https?:)?//"""
)


def test_t65_what_is_locked_has_no_known_hole() -> None:
    lock = locked("requirements.lock")
    for name, sound in SOUND_FROM.items():
        assert tuple(int(part) for part in lock[name].version.split(".")[:3]) >= sound, name


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
