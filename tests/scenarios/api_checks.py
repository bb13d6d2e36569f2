"""What schemathesis holds our answers to beside its own checks: it loads this by SCHEMATHESIS_HOOKS.

A plain refusal is 500 with its sentence, and a body of a kind nobody reads is 506, as clients of Proxmox VE's API
expect. Every other answer of 5xx is a fault.
"""

from __future__ import annotations

from typing import Any

import schemathesis

INSIDE = "internal error"
REFUSALS = {500, 506}


@schemathesis.check
def no_fault(_ctx: Any, response: Any, _case: Any) -> None:
    if response.status_code < 500:
        return
    message = response.json()["message"].strip()
    assert response.status_code in REFUSALS and message and INSIDE not in message, f"{response.status_code} {message}"
