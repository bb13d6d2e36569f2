"""What one path may answer: a register that holds a value or, when there is no such file, None."""

from __future__ import annotations

from tests.history.call import Call


def allows(call: Call, state: str | None) -> bool:
    """Can this call have had its outcome where the path's value was `state`?"""
    if call.kind in ("read", "session-read"):
        return state == call.value
    holds = {
        "write": True,
        "create": state is None,
        "cas": state == call.expect,
        "remove": state is not None,
    }[call.kind]
    return holds is not (call.outcome == "REFUSED")


def after(call: Call, state: str | None) -> str | None:
    """The path's value after this call, where `allows` said yes."""
    if call.kind in ("read", "session-read") or call.outcome == "REFUSED":
        return state
    return None if call.kind == "remove" else call.value


def observes(call: Call) -> bool:
    """Does it change nothing, and only tell of what was there?"""
    return call.kind in ("read", "session-read") or call.outcome == "REFUSED"
