"""Commands for an emulator that runs already: its clock, its failures on demand, its webhooks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import click

if TYPE_CHECKING:
    from emulator.fetching import Fetched

T = TypeVar("T")

_URL = "http://127.0.0.1:8025"
_SECONDS = 600.0


class Remote:
    """The control API of a running emulator, in one of its worlds."""

    def __init__(self, url: str, world: str | None) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Content-Type": "application/json", **({"X-Emulator-World": world} if world else {})}

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call the control API and return what it answers; ClickException with one line if it cannot."""
        answer = self._ask(method, path, None if body is None else json.dumps(body).encode())
        return self._value(answer)

    def read(self, path: str) -> bytes:
        """Return what the control API answers, as it is; ClickException with one line if it cannot."""
        answer = self._ask("GET", path, None)
        if answer.status >= 400:
            self._value(answer)
        return answer.data

    def write(self, path: str, data: bytes) -> Any:
        """Send the content of a file and return what the control API answers; ClickException if it cannot."""
        return self._value(self._ask("PUT", path, data))

    def _ask(self, method: str, path: str, sent: bytes | None) -> Fetched:
        import time

        from emulator.fetching import fetch

        deadline = time.monotonic() + _SECONDS
        url = f"{self._url}/_emulator{path}"
        answer = fetch(method, url, headers=self._headers, body=sent, limit=1 << 30, deadline=deadline)
        if answer.failure is not None:
            raise click.ClickException(f"no emulator answers at {self._url}: {answer.failure}; is `serve` running?")
        return answer

    def _value(self, answer: Fetched) -> Any:
        try:
            value = json.loads(answer.data) if answer.data else None
        except ValueError:
            raise click.ClickException(f"{self._url} is no emulator: it answered {answer.status} and no JSON") from None
        if answer.status >= 400:
            raise click.ClickException(str(value.get("error", value) if isinstance(value, dict) else value))
        return value


def _remote_options(command: Any) -> Any:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option("--world", help="A world other than the default one."),
        click.option("--url", default=_URL, show_default=True, envvar="EMULATOR_URL", help="Where the emulator runs."),
    ):
        command = option(command)
    return command


def _print(value: Any, as_json: bool, lines: Iterable[str]) -> None:
    click.echo(json.dumps(value) if as_json else "\n".join(lines))


# The clock


@click.group()
def clock() -> None:
    """Read and turn the clock of a running emulator."""


def _turn(url: str, world: str | None, as_json: bool, path: str, body: Mapping[str, Any] | None) -> None:
    told = Remote(url, world).call("GET" if body is None else "POST", path, body)
    does = "" if told.get("virtual", True) else ", and goes on"
    done = f", {told['tasks_done']} things done" if "tasks_done" in told else ""
    _print(told, as_json, [f"it is {told['now']}{does}{done}"])


@clock.command("show")
@_remote_options
def show_clock(url: str, world: str | None, as_json: bool) -> None:
    """Tell the time of the world, and whether it stands still."""
    _turn(url, world, as_json, "/clock", None)


@clock.command("freeze")
@click.argument("at", required=False)
@_remote_options
def freeze_clock(at: str | None, url: str, world: str | None, as_json: bool) -> None:
    """Let time stand still: now, or at the time AT, e.g. 2027-01-01T12:00:00Z."""
    _turn(url, world, as_json, "/clock/freeze", {"at": at} if at else {})


@clock.command("set")
@click.argument("at")
@_remote_options
def set_clock(at: str, url: str, world: str | None, as_json: bool) -> None:
    """Let time stand still at AT, which may not lie in the past; what is due until then is done."""
    _turn(url, world, as_json, "/clock/set", {"at": at})


@clock.command("advance")
@click.argument("by")
@_remote_options
def advance_clock(by: str, url: str, world: str | None, as_json: bool) -> None:
    """Move a clock that stands still forward by BY (90s, 15m, 1h, 7d), and do what became due."""
    _turn(url, world, as_json, "/clock/advance", {"by": by})


@clock.command("run")
@_remote_options
def run_clock(url: str, world: str | None, as_json: bool) -> None:
    """Do all that is planned, moving the clock from one thing to the next, until nothing is left."""
    _turn(url, world, as_json, "/clock/run", {})


# Failures on demand


@click.group()
def fault() -> None:
    """Have a running emulator fail on demand."""


def _rule_line(rule: Mapping[str, Any]) -> str:
    counted = ("id", "effect", "seen", "hits")
    about = " ".join(f"{k}={v}" for k, v in rule.items() if k not in counted and v is not None and v != 1.0)
    return f"{rule['id']:<10} {rule['effect']:<9} matched {rule['seen']}, struck {rule['hits']}   {about}"


@fault.command("add")
@click.argument("effect")
@click.argument("values", nargs=-1, metavar="[KEY=VALUE]...")
@_remote_options
def add_fault(effect: str, values: tuple[str, ...], url: str, world: str | None, as_json: bool) -> None:
    """Add a fault rule: what it does (respond, latency, drop, truncate, smtp, mail, webhook), and what it strikes.

    For example: respond provider=sendmux operation=send_email status=503 times=2; drop provider=inkbox after=true;
    mail recipient=*@example.com fate=bounce; smtp stage=rcpt "reply=451 4.3.0 Later".
    """
    rule = Remote(url, world).call("POST", "/faults", {"effect": effect, **dict(map(_pair, values))})
    _print(rule, as_json, [_rule_line(rule)])


def _pair(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not of the form KEY=VALUE")
    if value.isdecimal() or value in ("true", "false", "null"):
        return key, json.loads(value.lstrip("0") or "0") if value.isdecimal() else json.loads(value)
    try:
        return key, float(value) if key in ("seconds", "late", "probability", "retry_after") else value
    except ValueError:
        raise click.BadParameter(f"{key} is a number, not {value!r}") from None


@fault.command("list")
@_remote_options
def list_faults(url: str, world: str | None, as_json: bool) -> None:
    """List the fault rules and what they struck."""
    rules = Remote(url, world).call("GET", "/faults")["faults"]
    _print(rules, as_json, map(_rule_line, rules) if rules else ["no fault rules"])


@fault.command("remove")
@click.argument("rule_id")
@_remote_options
def remove_fault(rule_id: str, url: str, world: str | None, as_json: bool) -> None:
    """Remove a fault rule by its id."""
    Remote(url, world).call("DELETE", f"/faults/{quote(rule_id, safe='')}")
    _print({"removed": rule_id}, as_json, [f"{rule_id} is removed"])


@fault.command("scenario")
@click.argument("name", required=False)
@_remote_options
def scenario(name: str | None, url: str, world: str | None, as_json: bool) -> None:
    """Bring about a documented failure by NAME, e.g. sendmux:provisioning-fails; without it, list them."""
    remote = Remote(url, world)
    if name is None:
        known = remote.call("GET", "/scenarios")["scenarios"]
        _print(known, as_json, [f"{each:<36} {meaning}" for each, meaning in known.items()])
        return
    rules = remote.call("POST", "/faults", {"scenario": name})["faults"]
    _print(rules, as_json, [f"{name} is on", *map(_rule_line, rules)])


# Webhooks


@click.group()
def webhooks() -> None:
    """See what a running emulator posted to webhooks, and post it again."""


def _delivery_line(delivery: Mapping[str, Any]) -> str:
    tries = ", ".join(str(attempt["status"] or attempt["error"]) for attempt in delivery["attempts"]) or "not yet"
    return f"{delivery['id']}  {delivery['state']:<9} {delivery['event']:<26} {delivery['url']}  {tries}"


@webhooks.command("list")
@_remote_options
def list_webhooks(url: str, world: str | None, as_json: bool) -> None:
    """List every delivery with its attempts."""
    found = Remote(url, world).call("GET", "/webhooks")["deliveries"]
    _print(found, as_json, map(_delivery_line, found) if found else ["nothing was delivered yet"])


@webhooks.command("replay")
@click.argument("delivery_id")
@_remote_options
def replay_webhook(delivery_id: str, url: str, world: str | None, as_json: bool) -> None:
    """Post a delivery once more, signed anew."""
    again = Remote(url, world).call("POST", f"/webhooks/{quote(delivery_id)}/replay", {})
    _print(again, as_json, [_delivery_line(again)])


@webhooks.command("allow")
@click.argument("hosts", nargs=-1)
@_remote_options
def allow_hosts(hosts: tuple[str, ...], url: str, world: str | None, as_json: bool) -> None:
    """Let webhooks be posted to HOSTS, such as *.example.com, besides this machine; without any, to no other."""
    told = Remote(url, world).call("PUT", "/webhooks/hosts", {"hosts": list(hosts)})
    _print(told, as_json, [f"allowed besides this machine: {', '.join(told['hosts']) or 'no host'}"])


# The whole state

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def snapshot() -> None:
    """Write the whole state of a running emulator to a file, and put it back."""


@snapshot.command("save")
@click.argument("file", type=_FILE)
@_remote_options
def save_snapshot(file: Path, url: str, world: str | None, as_json: bool) -> None:
    """Write the state to FILE; it holds keys and mail. `serve --start-with FILE` begins with it."""
    data = Remote(url, world).read("/state")
    _with_file(file, lambda: file.write_bytes(data))
    _print({"file": str(file), "bytes": len(data)}, as_json, [f"{file} holds the state, {len(data)} bytes"])


@snapshot.command("load")
@click.argument("file", type=_FILE)
@_remote_options
def load_snapshot(file: Path, url: str, world: str | None, as_json: bool) -> None:
    """Put the state of FILE in the place of the present one."""
    told = Remote(url, world).write("/state", _with_file(file, file.read_bytes))
    _print(told, as_json, [f"the state of {file} is there, seed {told['seed']}"])


def _with_file(file: Path, work: Callable[[], T]) -> T:
    try:
        return work()
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from None


@click.command()
@click.option("--messages", default=500, show_default=True, type=click.IntRange(0), help="How many mails.")
@click.option("--mailboxes", default=5, show_default=True, type=click.IntRange(1), help="Over how many mailboxes.")
@click.option("--people", default=20, show_default=True, type=click.IntRange(1), help="By how many people outside.")
@click.option("--seed", "seed_", default="0", show_default=True, help="The same seed gives the same mail.")
@click.option("-o", "--output", type=_FILE, help="Write a plan to this file instead, for `serve --start-with`.")
@_remote_options
def seed(
    messages: int,
    mailboxes: int,
    people: int,
    seed_: str,
    output: Path | None,
    url: str,
    world: str | None,
    as_json: bool,
) -> None:
    """Fill a running emulator with mail as people and programs write it, over mailboxes of all providers."""
    from emulator.believable import believable

    try:
        plan = believable(seed_, messages=messages, mailboxes=mailboxes, people=people)
    except ImportError as error:
        raise click.ClickException(str(error)) from None
    if output is not None:
        text = json.dumps(plan, indent=1, ensure_ascii=False)
        _with_file(output, lambda: output.write_text(text + "\n", "utf-8"))
        _print(plan, as_json, [f"{output} holds a plan with {messages} mails"])
        return
    told = Remote(url, world).call("POST", "/fill", plan)
    _print(told, as_json, [f"{told['mail']} mails are there, over {mailboxes} mailboxes"])


GROUPS = (clock, fault, webhooks, snapshot, seed)
