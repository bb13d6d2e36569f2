"""Whether the corosync that is installed has the fixes of its security advisories, as far as its version tells.

Pure. Distributions mend old versions, so the number alone says little: what is known of Debian 12 is said here, and
of others that it cannot be told. Which version a node has is seen by `cluster/node/surveyor.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cluster.core.findings import Finding, finding
from cluster.core.survey import NodeFacts

CODE = "engine-fixes"
# Advisories, and the revision of Debian 12's 3.1.7-1 that is the first without each.
MENDED = {"CVE-2025-30472": 1, "CVE-2026-35091": 2, "CVE-2026-35092": 2}
OLDEST, OLDEST_DEBIAN = (3, 1, 7), "3.1.7-1+deb12u2"
LAST_UNMENDED = (3, 1, 10)  # the newest release that is older than the last of the three advisories
NAMED_MAX = 4
DEBIAN_12 = re.compile(r"3\.1\.7-1(?:\+deb12u(\d+))?")


def about_engine_fixes(nodes: Sequence[NodeFacts]) -> list[Finding]:
    """One row for each version that lacks them or does not tell, one for all nodes where there is none."""
    running: dict[tuple[str, str], list[str]] = {}
    for node in nodes:
        if node.corosync:
            running.setdefault((node.corosync, node.corosync_package), []).append(node.name)
    found = [each for versions, names in sorted(running.items()) for each in _about(*versions, names)]
    if not running or found:
        return found
    where = "on all nodes" if len(nodes) > 1 else "here"
    return [finding(CODE, "ok", f"corosync has the security fixes that are asked for, {where}.")]


def _about(version: str, package: str, names: Sequence[str]) -> list[Finding]:
    upstream = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    shown, debian = package or version, DEBIAN_12.fullmatch(package)
    who = ", ".join(names[:NAMED_MAX]) + (f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else "")
    mended = int(debian[1] or 0) if debian else 0
    lacking = [each for each, revision in MENDED.items() if mended < revision]
    if upstream < OLDEST or (debian and lacking):
        sentence = f"corosync {shown} on {who} lacks security fixes ({', '.join(lacking)})."
        advice = f"Update it, one node after the other; Debian 12 has them from {OLDEST_DEBIAN} on."
        return [finding(CODE, "warning", sentence, names[0], advice)]
    if debian or upstream > LAST_UNMENDED:
        return []
    sentence = f"The version of corosync on {who}, {shown}, does not tell whether it has the security fixes."
    return [finding(CODE, "info", sentence, names[0], f"See that its package's changelog names {', '.join(MENDED)}.")]
