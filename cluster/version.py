"""Which Quire this is, and which Proxmox VE API it speaks."""

from __future__ import annotations

VERSION = "0.1.0"
API_VERSION = "9.2.11"  # the interfaces are those of this release
JOIN_API_VERSION = 1  # pvecm apiver


def api_version() -> dict[str, str]:
    """The answer of GET /version, with our own version beside it. `repoid` is 8 hex digits by Proxmox VE's schema."""
    return {
        "version": API_VERSION,
        "release": ".".join(API_VERSION.split(".")[:2]),
        "repoid": "00000000",
        "name": "Quire",
        "quire_version": VERSION,
    }
