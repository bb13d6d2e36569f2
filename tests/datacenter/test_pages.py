"""The pages a signed-in person sees, whole and as the content htmx asks for."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace

import pytest

from cluster.control import requests as ask
from cluster.errors import NotFound, Unavailable
from cluster.model import Quorum
from datacenter.access.masks import uncovered
from datacenter.assets import WHOLE, address_of, answer, library
from datacenter.web.bodies import COMPRESS_LEVEL, HOLDS_NO_SECRET
from tests.datacenter.conftest import Visitor, text
from tests.datacenter.fake_daemon import FakeDaemon

PAGES = ["/", "/datacenter/cluster", "/datacenter/summary", "/nodes/alpha"]
FIRST_LOADS = [
    ("/datacenter/cluster", (), 60 * 1024),
    ("/nodes/alpha", ("vendor/uplot.js", "vendor/uplot.css"), 84 * 1024),  # and up to 6 KiB of figures
]
HEAD_BYTES = 650


def whole_script_is_made() -> bool:
    return WHOLE in library().assets


def button(page: str, name: str) -> str:
    found = re.search(rf"<button[^>]*>(?:(?!</button>).)*{name}</button>", page, re.DOTALL)
    assert found, f"there is no button {name}"
    return found[0].split(">", 1)[0]


async def test_a_standalone_node_may_create_or_join_and_says_what_it_is(visitor: Visitor) -> None:
    page = text(await visitor.get("/"))
    assert "Standalone node - no cluster defined" in page and "Cluster" in page
    assert "disabled" not in button(page, "Create Cluster")
    assert "disabled" not in button(page, "Join Cluster")
    assert "disabled" in button(page, "Join Information")


async def test_a_member_may_only_invite(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.form(3)
    page = text(await visitor.get("/"))
    assert "no cluster defined" not in page
    assert "disabled" in button(page, "Create Cluster")
    assert "disabled" in button(page, "Join Cluster")
    assert "disabled" not in button(page, "Join Information")


async def test_the_cluster_page_shows_name_version_nodes_links_and_quorum(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.form(3)
    page = text(await visitor.get("/datacenter/cluster"))
    for shown in ("office", "Config version", "Link 0", "Link 1", "10.1.0.3", "beta", "gamma", "1.18"):
        assert shown in page
    assert "Link 2" not in page
    assert "3 of 3 votes are present, 2 are needed. 1 more vote may be lost." in page


async def test_a_lost_node_is_offline_and_its_old_figures_are_not_shown(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.form(3)
    daemon.set_online("gamma", False)
    page = text(await visitor.get("/"))
    assert re.search(r'id="node-state-gamma" data-node="gamma" data-state="offline"', page)
    cell = re.search(r'id="node-cpu-gamma".*?</span></span>', page, re.DOTALL)
    assert cell and "–" in cell[0] and "%" not in cell[0]


async def test_without_quorum_the_page_says_what_is_missing_and_what_does_not_work(
    visitor: Visitor, daemon: FakeDaemon
) -> None:
    daemon.form(3)
    for name in ("beta", "gamma"):
        daemon.set_online(name, False)
    page = text(await visitor.get("/"))
    assert "Not quorate" in page and "beta and gamma" in page
    assert "The configuration is read-only here." in page


async def test_an_engine_that_says_nothing_leaves_the_quorum_unknown(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.form(2)
    daemon.cluster = replace(daemon.cluster, quorum=None, problem="corosync is not running.")
    page = text(await visitor.get("/datacenter/summary"))
    assert "Quorum unknown" in page and "corosync is not running." in page


async def test_a_nodes_page_shows_its_links_figures_and_certificate(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.form(2)
    page = text(await visitor.get("/nodes/beta"))
    for shown in ("10.0.0.2", "10.1.0.2", "22.0 GiB of 64.0 GiB", "2 d 0 h", "A0:<wbr>A1:"):
        assert shown in page


async def test_a_node_that_is_not_there_is_not_found(visitor: Visitor) -> None:
    response = await visitor.get("/nodes/omega")
    assert response.status_code == 404 and "There is no node omega" in text(response)


async def test_an_address_that_is_not_there_is_not_found_whoever_asks(visitor: Visitor, stranger: Visitor) -> None:
    for who in (visitor, stranger):
        response = await who.get("/nowhere/<script>alert(1)</script>")
        assert response.status_code == 404 and "<script>alert" not in text(response)


async def test_t67_a_page_that_breaks_tells_a_number_and_nothing_from_inside(
    visitor: Visitor, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.client.raise_request_exception = False
    monkeypatch.setattr("datacenter.pages.quorum_standing", lambda cluster: 1 / 0)
    response = await visitor.get("/")
    assert response.status_code == 500 and "under the number" in text(response)
    assert "ZeroDivision" not in text(response) and "Traceback" not in text(response)


async def test_a_silent_daemon_is_one_sentence(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.refusals[ask.Status] = Unavailable("The daemon of this node does not answer.")
    response = await visitor.get("/")
    assert response.status_code == 503 and "The daemon of this node does not answer." in text(response)
    fragment = await visitor.htmx("/")
    assert fragment.status_code == 503 and "<html" not in text(fragment)


# --- whole and in part ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
async def test_htmx_gets_the_content_without_the_frame(visitor: Visitor, path: str) -> None:
    whole, part = text(await visitor.get(path)), text(await visitor.htmx(path))
    assert "<html" in whole and "<html" not in part and '<header class="header"' not in part
    assert part.startswith("<title>") and "page-head" in part


async def test_going_back_in_history_gets_the_whole_page(visitor: Visitor) -> None:
    response = await visitor.get("/", HX_Request="true", HX_History_Restore_Request="true")
    assert "<html" in text(response)


async def test_the_two_forms_of_a_page_are_kept_apart(visitor: Visitor) -> None:
    response = await visitor.get("/")
    assert "HX-Request" in response["Vary"] and response["Cache-Control"] == "no-store"


# --- what every answer carries ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*PAGES, "/nodes/omega", "/nowhere", "/session/renew-after-join"])
async def test_t42_every_answer_says_what_it_may_load_and_where_it_may_be_shown(visitor: Visitor, path: str) -> None:
    response = await visitor.get(path)
    policy = response["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy and "unsafe" not in policy
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "no-referrer"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in response


@pytest.mark.parametrize("path", PAGES)
async def test_t42_pages_have_no_inline_script_or_style(visitor: Visitor, daemon: FakeDaemon, path: str) -> None:
    daemon.form(3)
    page = text(await visitor.get(path))
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page)


@pytest.mark.parametrize(("path", "later", "bytes_max"), FIRST_LOADS)
async def test_the_first_load_is_light(
    visitor: Visitor, daemon: FakeDaemon, path: str, later: tuple[str, ...], bytes_max: int
) -> None:
    """With what is fetched once the page stands, and the heads of all answers."""
    if not whole_script_is_made():
        pytest.skip("script/setup found no npm to make the scripts small with")
    daemon.form(4)
    page = text(await visitor.get(path))
    files = set(re.findall(r'(?:src|href)="(/static/(?!\w+/icons)[^"]+)"', page)) | {address_of(name) for name in later}
    palette = (await visitor.htmx("/datacenter/palette")).content
    sizes = [len(gzip.compress(page.encode(), COMPRESS_LEVEL)), len(palette)]
    sizes += [len(answer("GET", one, True)[2]) for one in files if not one.endswith(".webmanifest")]
    weight = sum(sizes) + HEAD_BYTES * len(sizes)
    assert len(sizes) > 6 and weight <= bytes_max, f"{weight / 1024:.1f} KiB"


async def test_a_page_without_secrets_may_be_compressed_and_its_token_never_looks_the_same(
    visitor: Visitor, daemon: FakeDaemon
) -> None:
    answers = [await visitor.get("/datacenter/cluster") for _ in range(2)]
    tokens = [re.search(r'CSRFPreventionToken": "([^"]+)"', text(each)) for each in answers]
    assert all(each.has_header(HOLDS_NO_SECRET) for each in answers)
    assert tokens[0] and tokens[1] and tokens[0][1] != tokens[1][1]
    assert {uncovered(token[1]) for token in tokens if token} == {visitor.headers["CSRFPreventionToken"]}
    visitor.headers["CSRFPreventionToken"] = tokens[0][1]
    assert (await visitor.post("/session/sign-out")).status_code < 300


@pytest.mark.parametrize("path", ["/datacenter/config", "/datacenter/log", "/account"])
async def test_a_page_that_may_hold_a_secret_is_not_compressed(visitor: Visitor, path: str) -> None:
    assert not (await visitor.get(path)).has_header(HOLDS_NO_SECRET)


async def test_t40_what_a_task_says_is_text_and_never_markup(visitor: Visitor, daemon: FakeDaemon) -> None:
    nasty = "<img src=x onerror=alert(1)> {{ 7*7 }} <script>alert(1)</script>"
    upid = daemon.begin("clustercreate", (nasty,), lambda: None, problem=nasty)
    window = text(await visitor.htmx(f"/tasks/{upid}"))
    page = text(await visitor.get("/"))
    for html in (window, page):
        assert "<img" not in html and "<script>alert" not in html and "{{ 7*7 }}" in html


async def test_a_task_has_a_page_of_its_own(visitor: Visitor, daemon: FakeDaemon) -> None:
    upid = daemon.begin("clustercreate", ("One step",), lambda: None)
    page = text(await visitor.get(f"/tasks/{upid}"))
    assert "<html" in page and "One step" in page and f'data-watch="{upid}"' in page


async def test_a_task_nobody_knows_is_not_found(visitor: Visitor) -> None:
    assert (await visitor.htmx("/tasks/UPID:alpha:00000001:00000001:00000001:none::root@pam:")).status_code == 404


async def test_stopping_a_task_is_asked_of_the_daemon(visitor: Visitor, daemon: FakeDaemon) -> None:
    upid = daemon.begin("clustercreate", ("One step",), lambda: None)
    assert (await visitor.post(f"/tasks/{upid}/stop")).status_code == 204
    assert daemon.last(ask.TaskStop).upid == upid
    daemon.refusals[ask.TaskStop] = NotFound("There is no such task on this node.")
    assert (await visitor.post(f"/tasks/{upid}/stop")).status_code == 404


async def test_two_node_flags_are_shown_and_quorate_is_not_said_twice(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.form(2)
    daemon.cluster = replace(daemon.cluster, quorum=Quorum(True, 2, 2, 1, 2, ("2Node", "Quorate", "WaitForAll")))
    page = text(await visitor.get("/"))
    assert "2Node, WaitForAll" in page
