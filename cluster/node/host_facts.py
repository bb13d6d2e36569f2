"""What about this host does not change while it runs: processor, kernel, way of booting; in the API's own shape.

Read once and kept by the caller. Figures that change are `samplers.py`.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

CPUINFO = Path("/proc/cpuinfo")
EFI = Path("/sys/firmware/efi")
_SECURE_BOOT = "efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"


def read_facts() -> dict[str, Any]:
    """`cpuinfo`, `current-kernel`, `kversion` and `boot-info` of GET /nodes/{node}/status."""
    kernel = platform.uname()
    return {
        "cpuinfo": _cpuinfo(),
        "current-kernel": {
            "sysname": kernel.system,
            "release": kernel.release,
            "version": kernel.version,
            "machine": kernel.machine,
        },
        "kversion": f"{kernel.system} {kernel.release} {kernel.version}",
        "boot-info": _boot_info(),
    }


def _cpuinfo() -> dict[str, Any]:
    processors = _processors()
    first = processors[0] if processors else {}
    cores = {(p.get("physical id", "0"), p.get("core id", p.get("processor", "0"))) for p in processors}
    flags = first.get("flags") or first.get("Features") or ""
    return {
        "model": first.get("model name", "unknown"),
        "vendor": first.get("vendor_id", "unknown"),
        "family": first.get("cpu family", ""),
        "mhz": first.get("cpu MHz", ""),
        "flags": flags,
        "cpus": len(processors) or os.cpu_count() or 1,
        "sockets": len({p.get("physical id", "0") for p in processors}) or 1,
        "cores": len(cores) or os.cpu_count() or 1,
        "user_hz": os.sysconf("SC_CLK_TCK"),
        "hvm": int(bool({"vmx", "svm"} & set(flags.split()))),
    }


def _processors() -> list[dict[str, str]]:
    try:
        text = CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    blocks = [block for block in text.split("\n\n") if block.strip()]
    described = [dict(_pair(line) for line in block.splitlines() if ":" in line) for block in blocks]
    return [one for one in described if "processor" in one]


def _pair(line: str) -> tuple[str, str]:
    key, _, value = line.partition(":")
    return key.strip(), value.strip()


def _boot_info() -> dict[str, Any]:
    if not EFI.exists():
        return {"mode": "legacy-bios"}
    try:
        secure = (EFI / _SECURE_BOOT).read_bytes()[-1:] == b"\x01"
    except OSError:
        secure = False
    return {"mode": "efi", "secureboot": int(secure)}
