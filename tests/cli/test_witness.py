"""`pvecm qdevice`: what it asks the daemon, what it prints, and what it says instead of using SSH."""

from __future__ import annotations

from cluster.cli.witness import COMMANDS, lines

SEEN = {"installed": True, "state": "Connected", "connected": True, "since_s": 1.0, "vote": True, "trouble": ""}
TOLD = {
    "host": "10.0.0.9", "algorithm": "ffsplit", "configured_votes": 1, "votes": 1, "resting": False, "advice": "",
    "seen": [["alpha", SEEN], ["beta", {**SEEN, "state": "", "connected": False, "trouble": "it is full"}]],
}  # fmt: skip


class Daemon:
    def __init__(self, answer=None):
        self.asked, self.answer = [], answer

    def call(self, request, timeout_s=0.0):
        self.asked.append(request)
        return self.answer


def command(name):
    return next(each for each in COMMANDS if each.name == name)


def test_the_status_says_who_is_connected():
    said = "\n".join(lines(TOLD))
    assert "Witness:    10.0.0.9" in said and "Votes:      1 of 1" in said
    assert "alpha Connected" in said and "beta  not running" in said and "it is full" in said


def test_without_one_there_is_the_advice():
    advice = "Two is an even number of nodes: a witness keeps one of them quorate when the other fails."
    assert lines({**TOLD, "host": "", "advice": advice}) == ["This cluster has no witness.", advice]


def test_one_that_rests_says_why():
    assert "rests: the number of nodes is odd" in "\n".join(lines({**TOLD, "resting": True, "votes": 0}))


def test_the_status_exits_by_whether_it_votes(capsys):
    status = command("qdevice status")
    assert status.run({}, Daemon(TOLD)) == 0
    assert status.run({"output-format": "json"}, Daemon({**TOLD, "votes": 0})) == 2
    assert '"host":"10.0.0.9"' in capsys.readouterr().out
