"""Rules every test lives under: nothing is left behind, cheap tests run first, and in CI nothing is skipped.

What counts as left behind is `leaks.py`; what a marked test needs of the machine is the table below.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import shutil
from collections.abc import AsyncIterator, Callable, Generator, Iterator

import pytest

from tests import leaks

# In this order do they run; unmarked tests come before all of these.
ORDER = ("redis", "slow", "corosync", "browser")


def missing_for_corosync() -> str:
    if os.geteuid() != 0:
        return "needs root, to make network namespaces"
    missing = [name for name in ("corosync", "ip", "nsenter") if shutil.which(name) is None]
    return f"needs {', '.join(missing)}" if missing else ""


def missing_for_redis() -> str:
    return "" if shutil.which("redis-server") else "needs redis-server"


def missing_for_browser() -> str:
    return "" if shutil.which("chromium") else "needs chromium"


NEEDS = {"corosync": missing_for_corosync, "redis": missing_for_redis, "browser": missing_for_browser}

leaks.mark_this_run()


# --- which tests run, and when ----------------------------------------------------------------------------------------


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        return max((place for place, name in enumerate(ORDER, 1) if item.get_closest_marker(name)), default=0)

    items.sort(key=rank)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, missing in NEEDS.items():
        if item.get_closest_marker(marker) and (reason := missing()):
            pytest.skip(reason)


def refuse_skip_in_ci(report: pytest.TestReport | pytest.CollectReport) -> None:
    """What CI does not run, nobody runs: there, a skip is a failure that says so."""
    if leaks.IN_CI and report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped, which counts as a failure in CI. {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    refuse_skip_in_ci(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    refuse_skip_in_ci(report)
    return report


# --- figures are told ------------------------------------------------------------------------------------------------

FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """`tell(line)`: a figure that was measured, printed at the end of the run whether or not anything failed."""
    return request.config.stash.setdefault(FIGURES, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(FIGURES, []):
        terminalreporter.write_line(line)


# --- nothing is left behind -------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Set up before a test's own fixtures and torn down after them: what it finds, nobody was going to remove."""
    if inspect.iscoroutinefunction(getattr(request.node, "obj", None)):
        request.getfixturevalue("no_task_left_behind")
    temporary = tmp_path_factory.getbasetemp()
    before = leaks.belongings(temporary)
    yield
    left = leaks.belongings(temporary).beyond(before)
    if left:
        pytest.fail("the test left behind:\n  " + "\n  ".join(left), pytrace=False)


@pytest.fixture
async def no_task_left_behind() -> AsyncIterator[None]:
    yield
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task() and not task.done()]
    if left:
        pytest.fail("the test left tasks running:\n  " + "\n  ".join(map(repr, left)), pytrace=False)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    left = leaks.detached()
    if left:
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        assert reporter is not None
        reporter.write_line("")
        reporter.write_line("The tests left these processes running:", red=True)
        for line in left:
            reporter.write_line(f"  {line}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
