"""`runnode` of a daemon that kills itself with SIGKILL at one of its host's methods: `METHOD:before|after` first, then
runnode's own arguments. Once: the file named by QUIRE_TEST_DIED is made first, and while it is there nothing dies."""

import os
import signal
import sys
from pathlib import Path

from cluster.node.host import NodeHost


def make_mortal(method: str, moment: str, died: Path) -> None:
    real = getattr(NodeHost, method)

    async def mortal(self, *arguments):
        if moment == "before":
            die(died)
        result = await real(self, *arguments)
        if moment == "after":
            die(died)
        return result

    setattr(NodeHost, method, mortal)


def die(died: Path) -> None:
    if not died.exists():
        died.touch()
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    method, _, moment = sys.argv[1].partition(":")
    make_mortal(method, moment, Path(os.environ["QUIRE_TEST_DIED"]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "datacenter.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(["manage.py", "runnode", *sys.argv[2:]])
