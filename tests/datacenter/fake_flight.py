"""Events for the pages' tests, made up, with the real time line and the real causes behind them."""

from __future__ import annotations

import time
from typing import Any

from cluster.control.flight_requests import FlightEvents
from cluster.flight import partings, timeline
from cluster.flight.causes import Placed
from cluster.flight.recorded import Recorded

LONG = "a-node-whose-name-is-as-long-as-a-name-of-a-node-may-ever-be-63"


class FakeFlight:
    def __init__(self) -> None:
        self.events: list[Placed] = []
        self.nodes = ["alpha", "beta", "gamma"]
        self.away: dict[str, float] = {}

    def record(self, node: str, code: str, kind: str = "membership", time_s: float = 0.0, **more: Any) -> None:
        when = time_s or time.time()
        more["sees"] = tuple(more["sees"]) if "sees" in more else None
        event = Recorded(kind, code, number=len(self.events) + 1, life="1", time_s=when, mono_s=when, **more)
        self.events.append(Placed(node, event))

    def tell_of_a_split(self, now_s: float) -> None:
        """gamma's link to alpha goes, then gamma; one side keeps quorum. Then gamma is asked no more."""
        start = now_s - 90
        upid = "UPID:alpha:1:2:3:clusterjoin:gamma:root@pam:"
        self.record("alpha", "task-started", "task", start - 400, about=upid, sentence="Task clusterjoin gamma began.",
                    user="root@pam")  # fmt: skip
        for node, after_s in (("alpha", 0.0), ("beta", 0.04), ("gamma", 0.31)):
            self.record(node, "changed", "config", start - 380 + after_s, about="corosync.conf", revision="4.17",
                        sentence="corosync.conf was written.", user="root@pam", door="workflow",
                        by="alpha")  # fmt: skip
        for link in (0, 1):
            self.record("alpha", "link-down", "link", start + link / 4, about="gamma", link=link,
                        sentence=f"Link {link} to gamma is down.")  # fmt: skip
        two = ("alpha", "beta")
        for node, after_s in (("alpha", 2.0), ("beta", 2.12)):
            self.record(node, "node-gone", time_s=start + after_s, about="gamma", sentence="gamma is gone.", sees=two,
                        quorate=True)  # fmt: skip
        for other in two:
            self.record("gamma", "node-gone", time_s=start + 2.3, about=other, sentence=f"{other} is gone.",
                        sees=("gamma",), quorate=False)  # fmt: skip
        self.record("gamma", "quorum-lost", "quorum", start + 2.31, about="office", sees=("gamma",), quorate=False,
                    sentence="This node's part has lost quorum: 1 of 3 votes are here, 2 are needed.")  # fmt: skip
        self.record("gamma", "store-read-only", "store", start + 2.35, about="gamma",
                    sentence="The store cannot be written here. Two votes are missing.")  # fmt: skip
        self.record("beta", "lock-taken", "lock", start + 10, about="backup", sentence="The lock backup was taken.",
                    user="alice@pve", door="api", by="beta", revision="4.18")  # fmt: skip
        self.away = {"gamma": start + 30}

    def use_long_names(self) -> None:
        self.nodes = ["alpha", LONG, *(f"node{number:02}" for number in range(3, 9))]
        self.record(LONG, "node-gone", about=LONG, sentence=f"{LONG} is gone.")

    def answer(self, asked: FlightEvents) -> dict[str, Any]:
        chosen = timeline.Chosen(
            frozenset(asked.kinds), frozenset(asked.nodes), asked.since_s, asked.until_s, asked.limit
        )
        rows = timeline.rows(self.events, chosen)
        whole = {"now_s": time.time(), "events": rows, "nodes": [self._node(name) for name in self.nodes],
                 "partings": [self._parting(one) for one in partings.partings(self.events)]}  # fmt: skip
        if asked.form:
            return {"text": timeline.as_csv(rows) if asked.form == "csv" else timeline.as_json(whole)}
        return whole

    def _node(self, name: str) -> dict[str, Any]:
        since_s = self.away.get(name)
        reason = "It did not answer within 2 s." if since_s else ""
        return {"name": name, "online": not since_s, "known": not since_s, "since_s": since_s, "reason": reason}

    def _parting(self, one: partings.Parting) -> dict[str, Any]:
        parts = [{"nodes": list(part.nodes), "quorate": part.quorate} for part in one.parts]
        return {"from_s": one.from_s, "to_s": one.to_s, "parts": parts}
