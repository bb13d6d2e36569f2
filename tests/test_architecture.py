"""The shape of the code, kept by reading it: which way imports point, and the habits every file keeps.

Nothing is imported here, only parsed. The arrows are drawn in CONTRIBUTING.md.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("cluster", "datacenter", "demo", "lab", "script", "tests")
LINES_MAX = 400
# Longer than this wants a reason; these had one. The numbers may only shrink.
LINES_USUAL = 300
LONGER: dict[str, int] = {
    "cluster/control/requests.py": 390,  # one list of all requests, read by their names
    "cluster/witness/agent.py": 320,  # one file that is copied to a host which has nothing else of Quire
    "cluster/workflow/fake_host.py": 360,  # one fake of one protocol, method for method
}

IMPURE = {"asyncio", "time", "random", "os", "socket", "sqlite3", "threading", "subprocess", "secrets", "datetime"}
# What the core may use beside the standard library: msgspec turns values into bytes and back, and does nothing else.
PURE = {"msgspec"}
FRAMEWORKS = {"django", "channels", "daphne", "twisted", "django_htmx"}
SITE_MAY_SEE = {
    "cluster.control.client",
    "cluster.control.requests",
    "cluster.control.access_requests",
    "cluster.control.node_requests",
    "cluster.control.link_requests",
    "cluster.control.flight_requests",
    "cluster.control.former_requests",
    "cluster.control.import_requests",
    "cluster.control.plan_requests",
    "cluster.control.supposition_requests",
    "cluster.control.alert_requests",
    "cluster.control.check_requests",
    "cluster.control.token_requests",
    "cluster.control.witness_requests",
    "cluster.access.privileges",  # pure: names of privileges, and which a built-in role has
    "cluster.core.health",  # pure: what is said of the same state, wherever it is said
    "cluster.core.advice",
    "cluster.model",
    "cluster.errors",
    "cluster.secret",
}
# A thin adaptor over the daemon, run by manage.py.
SITE_EXCEPTIONS = {"datacenter/management/commands/runnode.py"}


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def is_python(path: Path) -> bool:
    if path.suffix == ".py":
        return True
    return path.parent.name == "script" and "python" in path.read_text(encoding="utf-8").partition("\n")[0]


FILES = tracked()
MODULES = sorted(path for path in FILES if path.relative_to(ROOT).parts[0] in (*ROOMS, "manage.py") and is_python(path))
TEMPLATES = sorted(path for path in FILES if path.suffix == ".html")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def below(room: str) -> list[Path]:
    return [path for path in MODULES if name_of(path).startswith(f"{room}/")]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), name_of(path))


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, by its full name, wherever in the file it does so."""
    package = name_of(path).removesuffix(".py").split("/")[:-1]
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            # `from cluster import errors` imports a module; `from cluster.errors import NotFound` a name in one.
            for alias in node.names:
                child = ROOT.joinpath(*module.split("."), alias.name)
                yield f"{module}.{alias.name}" if child.with_suffix(".py").exists() or child.is_dir() else module


def top(module: str) -> str:
    return module.partition(".")[0]


def offenders(paths: list[Path], forbidden: Callable[[str], bool]) -> list[str]:
    found = {(name_of(path), module) for path in paths for module in imports(path) if forbidden(module)}
    return [f"{name} imports {module}" for name, module in sorted(found)]


# --- arrows -----------------------------------------------------------------------------------------------------------


def test_the_core_is_pure() -> None:
    def forbidden(module: str) -> bool:
        if top(module) == "cluster":
            return not (module in ("cluster.model", "cluster.errors") or module.startswith("cluster.core"))
        return top(module) in IMPURE or top(module) not in sys.stdlib_module_names | PURE

    assert offenders(below("cluster/core"), forbidden) == []


def test_the_rules_of_access_are_pure() -> None:
    def forbidden(module: str) -> bool:
        if top(module) == "cluster":
            return module != "cluster.errors" and not module.startswith("cluster.access")
        return top(module) in IMPURE or top(module) not in sys.stdlib_module_names

    assert offenders(below("cluster/access"), forbidden) == []


def test_what_the_flight_recorder_decides_is_pure() -> None:
    def forbidden(module: str) -> bool:
        if top(module) == "cluster":
            seen = ("cluster.model", "cluster.errors", "cluster.core.effects")
            return module not in seen and not module.startswith("cluster.flight")
        impure = IMPURE - {"time", "datetime"}  # for writing moments down; no clock is read
        return top(module) in impure or top(module) not in sys.stdlib_module_names | PURE

    assert offenders(below("cluster/flight"), forbidden) == []


def test_the_cluster_knows_nothing_of_django() -> None:
    assert offenders(below("cluster"), lambda module: top(module) in FRAMEWORKS | {"datacenter"}) == []


def test_the_site_is_a_client_of_the_control_socket() -> None:
    site = [path for path in below("datacenter") if name_of(path) not in SITE_EXCEPTIONS]
    assert offenders(site, lambda module: top(module) == "cluster" and module not in SITE_MAY_SEE) == []


def test_one_file_of_the_site_talks_to_the_daemon() -> None:
    others = [path for path in below("datacenter") if name_of(path) not in {"datacenter/gateway.py", *SITE_EXCEPTIONS}]
    assert offenders(others, lambda module: module == "cluster.control.client") == []


def test_one_file_binds_corosync_and_two_the_c_library() -> None:
    c_library = ("cluster/node/interpreter.py", "cluster/node/kernel_clock.py")
    for binding, only in (("cffi", ("cluster/corosync/library.py",)), ("ctypes", c_library)):
        others = [path for path in below("cluster") if name_of(path) not in only]
        assert offenders(others, lambda module, binding=binding: top(module) == binding) == []


def test_one_room_speaks_fuse() -> None:
    room = "cluster.store.mount."
    outside = [path for path in below("cluster") if not name_of(path).startswith("cluster/store/mount")]
    assert offenders(outside, lambda module: module.startswith(room) and module != f"{room}attributes") == []


def test_the_command_line_imports_neither_django_nor_asyncio() -> None:
    assert offenders(below("cluster/cli"), lambda module: top(module) in FRAMEWORKS | {"asyncio"}) == []


def test_the_command_line_starts_without_django_and_asyncio_coming_along() -> None:
    program = "import sys, cluster.cli.main; print(*sorted({'asyncio', 'django', 'sqlite3'} & set(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    )
    assert ran.stdout.split() == []


def test_only_the_node_package_sees_engine_store_and_workflow_together() -> None:
    seen_by = {
        name_of(path): {module.split(".")[1] for module in imports(path) if module.startswith("cluster.")}
        for path in below("cluster")
        if not name_of(path).startswith("cluster/node/")
    }
    assert sorted(name for name, rooms in seen_by.items() if {"engine", "store", "workflow"} <= rooms) == []


# --- habits -----------------------------------------------------------------------------------------------------------


def test_every_module_says_what_it_is() -> None:
    silent = [name_of(path) for path in MODULES if path.stat().st_size and not ast.get_docstring(parsed(path))]
    assert silent == []


def lengths() -> dict[str, int]:
    return {
        name_of(path): len(path.read_text(encoding="utf-8").splitlines())
        for path in MODULES
        if not name_of(path).startswith("tests/")
    }


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    assert {name: count for name, count in lengths().items() if count > LINES_MAX} == {}


def test_long_modules_only_shrink() -> None:
    grown = {name: count for name, count in lengths().items() if count > LONGER.get(name, LINES_USUAL)}
    assert grown == {}, "divide the module, or give the reason for its length and list it in LONGER"


def test_every_room_of_the_core_and_the_site_is_on_the_map() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rooms = {"/".join(name_of(path.parent).split("/")[:2]) for path in [*below("cluster"), *below("datacenter")]}
    assert sorted(room for room in rooms if f"{room}/" not in text) == []


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(parsed(path)) if isinstance(node, ast.Call))


def test_the_page_of_who_may_call_what_is_up_to_date() -> None:
    from datacenter.api import matrix

    found = matrix.DOCUMENT.read_text(encoding="utf-8") == matrix.document()
    assert found, "docs/permissions.md is of other endpoints: run .venv/bin/python manage.py writematrix"


def test_no_shell_reads_what_we_run() -> None:
    found = [
        f"{name_of(path)}:{call.lineno}"
        for path in MODULES
        for call in calls(path)
        for keyword in call.keywords
        if keyword.arg == "shell" and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False)
    ]
    found += offenders(MODULES, lambda module: module in ("pty", "commands"))
    found += [
        f"{name_of(path)}:{call.lineno}"
        for path in MODULES
        for call in calls(path)
        if isinstance(call.func, ast.Attribute)
        and ast.unparse(call.func) in ("os.system", "os.popen", "asyncio.create_subprocess_shell")
    ]
    assert found == []


def test_nothing_is_unpickled() -> None:
    assert offenders(MODULES, lambda module: top(module) in ("pickle", "marshal", "shelve", "dill")) == []


def test_no_html_is_declared_safe_by_hand() -> None:
    names = {"mark_safe", "SafeString", "SafeText"}
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in below("datacenter")
        for node in ast.walk(parsed(path))
        if (isinstance(node, ast.Name) and node.id in names) or (isinstance(node, ast.Attribute) and node.attr in names)
    ]
    assert found == []


def test_nothing_is_left_to_be_fixed_later() -> None:
    mark = re.compile(r"\b(?:FIX" + r"ME|TO" + r"DO|XX" + r"X)\b")
    written = [
        path for path in FILES if path.suffix in (".py", ".html", ".css", ".js", ".md", ".toml") or path in MODULES
    ]
    assert [name_of(path) for path in written if mark.search(path.read_text(encoding="utf-8"))] == []


def test_no_file_names_a_place_on_the_machine_it_was_written_on() -> None:
    here = f"{ROOT}/"
    readable = [path for path in FILES if path.suffix not in (".png", ".ico", ".woff2", ".gz")]
    assert [name_of(path) for path in readable if here in path.read_text(encoding="utf-8", errors="replace")] == []


# --- templates: what the content security policy forbids --------------------------------------------------------------

INLINE = {
    "an inline script": re.compile(r"<script(?![^>]*\bsrc=)", re.IGNORECASE),
    "an inline style sheet": re.compile(r"<style\b", re.IGNORECASE),
    "a style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE),
    "an event handler attribute": re.compile(r"<[^>]*\s(?:on[a-z]+|hx-on[\w:-]*)\s*=", re.IGNORECASE),
    "a script address": re.compile(r"javascript:", re.IGNORECASE),
    "unescaped output": re.compile(r"\|\s*safe(?:seq)?\b|autoescape\s+off"),
}


@pytest.mark.parametrize("what", INLINE)
def test_templates_contain_nothing_the_browser_would_refuse(what: str) -> None:
    pattern = INLINE[what]
    assert [name_of(path) for path in TEMPLATES if pattern.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    "text",
    [
        "<script>go()</script>",
        "<style>a{}</style>",
        '<p class="x" style="color:red">',
        '<a onclick="go()">',
        '<a hx-on:click="go()">',
        '<a href="javascript:go()">',
        "{{ name|safe }}",
    ],
)
def test_each_forbidden_thing_would_be_seen(text: str) -> None:
    assert any(pattern.search(text) for pattern in INLINE.values())
