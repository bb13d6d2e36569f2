"""`pvecm api get|create|set|delete|ls|usage PATH [--key value]`: the REST API from the command line, as root@pam.

It asks this node's own web site over TLS, pinned to the certificate the daemon says it serves, with a ticket the daemon
hands to root alone: the same way through the same checks as any other client. How answers are printed is `output.py`.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from cluster.cli.arguments import DRY_RUN, FORMAT, Command, Parameter, Values
from cluster.cli.output import Style, present, show, style_of
from cluster.cli.planned import show_plan
from cluster.cli.terminal import complain, printable
from cluster.errors import InvalidInput, PeerError

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient

METHODS = {"get": "GET", "create": "POST", "set": "PUT", "delete": "DELETE"}
LETTERS = {"get": "r", "put": "w", "post": "c", "delete": "d"}
FORM = "application/x-www-form-urlencoded"
DEADLINE_S = 90.0
ANSWER_BYTES_MAX = 16 << 20
REFUSED = 255


class Site:
    """This node's web site, asked as root@pam."""

    def __init__(self, daemon: BlockingClient) -> None:
        told = daemon.call({"method": "access.root-session"})
        try:
            with open(told["file"], encoding="ascii") as file:
                session = json.load(file)
        except OSError as error:
            raise PeerError(f"The ticket at {told['file']} cannot be read: {error.strerror}. Are you root?") from None
        finally:
            if os.path.exists(told["file"]):
                os.unlink(told["file"])
        self._where = (told["address"], told["port"], told["fingerprint"])
        self._headers = {
            "Cookie": "PVEAuthCookie=" + quote(session["ticket"], safe=""),
            "CSRFPreventionToken": session["CSRFPreventionToken"],
        }

    def call(self, method: str, path: str, given: list[tuple[str, str]]) -> tuple[int, Any]:
        """→ (status, envelope). Raises PeerError when the site does not answer."""
        address = "/api2/json" + "/".join(quote(step, safe="") for step in path.split("/"))
        form = urlencode(given)
        if method in ("GET", "DELETE"):
            return self._ask(method, address + (f"?{form}" if form else ""), None)
        return self._ask(method, address, form.encode())

    def description(self) -> Any:
        return self._ask("GET", "/api2/openapi.json", None)[1]

    def _ask(self, method: str, address: str, body: bytes | None) -> tuple[int, Any]:
        from cluster.control.pinned import Exchange

        exchange = Exchange(*self._where, deadline_s=DEADLINE_S, size_max=ANSWER_BYTES_MAX)
        headers = {**self._headers, **({} if body is None else {"Content-Type": FORM})}
        answer = exchange.run(method, address, headers, body)
        try:
            return answer.status, json.loads(answer.body)
        except ValueError:
            raise PeerError(f"This node's web site answered {answer.status} {answer.reason}.") from None


def _calling(name: str) -> Any:
    def run(values: Values, daemon: BlockingClient) -> int:
        style = _style(values)
        if values.get("dry-run"):
            return _plan(name, values, daemon)
        status, envelope = Site(daemon).call(METHODS[name], _path(values), values["given"])
        if status >= 400:
            return _refused(status, envelope)
        if not values.get("quiet"):
            show(envelope.get("data"), style)
        return 0

    return run


def _plan(name: str, values: Values, daemon: BlockingClient) -> int:
    """What would be asked, and whether the API has it; whether it would be granted only asking tells."""
    path = _path(values)
    pattern, paths = _described(Site(daemon), path.rstrip("/") or "/")
    known = METHODS[name].lower() in paths.get(pattern, {})
    obstacle = "" if known else f"The API has no {METHODS[name]} {path}."
    given = [f"{key}={value}" for key, value in values["given"]]
    return show_plan({"steps": [" ".join([METHODS[name], path, *given])], "obstacle": obstacle}, style_of(values))


def _refused(status: int, envelope: Any) -> int:
    complain(f"{status} {str(envelope.get('message', '')).strip()}")
    for name, reason in (envelope.get("errors") or {}).items():
        complain(f"{name}: {reason}")
    return REFUSED


def list_below(values: Values, daemon: BlockingClient) -> int:
    """A line per step below PATH: is there more below it (D), and what can be done with it."""
    path, site = _path(values).rstrip("/"), Site(daemon)
    pattern, paths = _described(site, path or "/")
    children: dict[str, set[str]] = {}
    for known, methods in paths.items():
        if known.startswith(f"{pattern.rstrip('/')}/") and known != "/":
            step, _, more = known[len(pattern.rstrip("/")) + 1 :].partition("/")
            children.setdefault(step, set()).update({"D"} if more else {LETTERS[method] for method in methods})
    rows = []
    for step, letters in sorted(children.items()):
        flags = "".join(letter if letter in letters else "-" for letter in "Drwcd")
        names = _names(site, path, step) if step.startswith("{") else [step]
        rows += [{"name": name, "flags": flags} for name in names]
    present(rows, style_of(values), lambda found: [f"{row['flags']}        {printable(row['name'])}" for row in found])
    return 0


def _names(site: Site, path: str, step: str) -> list[str]:
    """What stands where the description has a placeholder: the rows of the list, by the field of its name."""
    field = step.strip("{}")
    status, envelope = site.call("GET", path, [])
    rows = envelope.get("data") if status < 400 else None
    return [str(row[field]) for row in rows if isinstance(row, dict) and field in row] if isinstance(rows, list) else []


def usage(values: Values, daemon: BlockingClient) -> int:
    """What can be asked of PATH, with each parameter."""
    path = _path(values)
    pattern, paths = _described(Site(daemon), path.rstrip("/") or "/")
    if pattern not in paths:
        raise InvalidInput(f"There is no {path} in the API.", fields={"path": "is not known"})
    if style_of(values).format != "text":
        show(paths[pattern], style_of(values))
        return 0
    commands = {method.lower(): name for name, method in METHODS.items()}
    for method, operation in paths[pattern].items():
        print(f"USAGE: pvecm api {commands[method]} {path} [OPTIONS]\n\n  {operation['summary']}\n")
        for parameter in _parameters(operation):
            kind = parameter["schema"].get("type", "choice")
            choices = parameter["schema"].get("enum")
            shown = "|".join(map(str, choices)) if choices else kind
            needed = "" if parameter["required"] else " (optional)"
            text = parameter["schema"].get("description", "")
            print(f"  --{parameter['name']} <{shown}>{needed}\n          {text}")
        print(f"  who may: {json.dumps(operation['x-permission'])}\n")
    return 0


def _parameters(operation: Any) -> list[Any]:
    body = operation.get("requestBody", {}).get("content", {}).get(FORM, {}).get("schema", {})
    in_body = [
        {"name": name, "schema": schema, "required": name in body.get("required", [])}
        for name, schema in body.get("properties", {}).items()
    ]
    return [each for each in operation["parameters"] if each["in"] != "path"] + in_body


def _described(site: Site, path: str) -> tuple[str, dict[str, Any]]:
    """The path as the description writes it, and all paths."""
    paths: dict[str, Any] = site.description()["paths"]
    steps = path.split("/")
    for known in paths:
        parts = known.split("/")
        same = (part == step or part.startswith("{") for part, step in zip(parts, steps, strict=False))
        if len(parts) == len(steps) and all(same):
            return known, paths
    return path, paths


def _path(values: Values) -> str:
    path = str(values["path"])
    return path if path.startswith("/") else f"/{path}"


def _style(values: Values) -> Style:
    wanted = style_of(values).format
    return Style(wanted, border=not values.get("noborder"), header=not values.get("noheader"))


_PATH = (Parameter("path", "string", "a path of the API, /cluster/status say"),)
_OPTIONS = (
    FORMAT,
    Parameter("noborder", "boolean", "tables without lines"),
    Parameter("noheader", "boolean", "tables without their first row"),
    Parameter("quiet", "boolean", "print no result"),
)
_TEXTS = {
    "get": "Read a path of the API.",
    "create": "Create something: POST.",
    "set": "Change something: PUT.",
    "delete": "Delete something: DELETE.",
}
COMMANDS = (
    *(
        Command(
            f"api {name}", text, _calling(name), _PATH, _OPTIONS if name == "get" else (*_OPTIONS, DRY_RUN), open=True
        )
        for name, text in _TEXTS.items()
    ),
    Command("api ls", "List what is below a path.", list_below, _PATH, (FORMAT,)),
    Command("api usage", "Show what can be asked of a path.", usage, _PATH, (FORMAT,)),
)
