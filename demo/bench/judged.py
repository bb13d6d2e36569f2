"""What Lighthouse says of pages, beside the goals: `script/bench lighthouse`.

Lighthouse comes from npm and is only fetched for this; it drives the Chromium of the tests, on a simulated cluster.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from demo.bench.pair import Pair, pair
from demo.bench.ui import Line
from demo.browser import CHROMIUM, FLAGS
from demo.noise import noise

TOOL = Path(__file__).parent / "lighthouse"
PAGES = ("/datacenter/summary", "/datacenter/cluster", "/nodes/alpha")
FORMS = {"phone": (), "desktop": ("--preset=desktop",)}
CATEGORIES = ("performance", "accessibility", "best-practices")
GOAL = 95
FETCH_S_MAX, RUN_S_MAX = 300, 120


def run_lighthouse(first_address: str) -> list[Line]:
    fetch()
    lines: list[Line] = []
    with pair(4, 2, first_address) as here:
        for path in PAGES:
            for form, words in FORMS.items():
                with noise(here.tag) as during:
                    told = judged(here, path, words)
                share = during.foreign_share
                lines += [line(f"{path}, {form}: {name}", told["categories"][name], told, share) for name in CATEGORIES]
    return lines


def fetch() -> None:
    if not (TOOL / "node_modules").is_dir():
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(command, cwd=TOOL, check=True, timeout=FETCH_S_MAX)


def judged(here: Pair, path: str, words: tuple[str, ...]) -> dict[str, Any]:
    flags = ["--headless=new", "--ignore-certificate-errors", *FLAGS]
    command = [
        str(TOOL / "node_modules/.bin/lighthouse"), f"{here.node.url}{path}", "--output=json", "--quiet", *words,
        f"--only-categories={','.join(CATEGORIES)}", f"--chrome-flags={' '.join(flags)}",
        f"--extra-headers={json.dumps({'Cookie': '='.join(here.node.browser_cookie())})}",
    ]  # fmt: skip
    environ = {**os.environ, "CHROME_PATH": CHROMIUM}
    done = subprocess.run(command, env=environ, check=True, timeout=RUN_S_MAX, stdout=subprocess.PIPE)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def line(name: str, category: dict[str, Any], told: dict[str, Any], noise_share: float) -> Line:
    """What took off points is named."""
    lost = [
        each["id"]
        for each in category["auditRefs"]
        if each["weight"] and (told["audits"][each["id"]]["score"] or 0) < 0.9
        and told["audits"][each["id"]]["scoreDisplayMode"] not in ("notApplicable", "manual", "informative")
    ]  # fmt: skip
    return Line(name, category["score"] * 100, "", GOAL, noise_share, ", ".join(lost), at_least=True)
