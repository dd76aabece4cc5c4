"""Write the generated parts of the documentation, or with --check tell whether they are up to date."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from contract.findings import KINDS
from docs import revisions
from emulator import config, coverage, providers
from emulator.cli import cli
from emulator.fault_rules import EFFECTS, scenarios, schema
from emulator.mail.fates import FATES, SIMULATOR
from emulator.servers.http.control import CONTROL_PREFIX, control_app
from emulator.world.faults import NAMES
from tests.deviations import table as deviations_table
from tests.every_error import provoked

_ROOT = Path(__file__).parent.parent


def pages() -> dict[Path, Callable[[], str]]:
    """Return every generated file with what writes it; the errors take their time."""
    return {
        _ROOT / "README.md": _readme,
        _ROOT / "docs" / "testing.md": _testing_page,
        _ROOT / "docs" / "coverage.md": coverage.operations_page,
        _ROOT / "docs" / "cli.md": _cli_page,
        _ROOT / "docs" / "control.md": _control_page,
        _ROOT / "docs" / "config.md": _config_page,
        _ROOT / "docs" / "scenarios.md": _scenarios_page,
        _ROOT / "docs" / "revisions.md": lambda: revisions.page(providers.every()),
        _ROOT / "docs" / "errors.md": _errors_page,
        _ROOT / "docs" / "contract.md": _contract_page,
    }


def _readme() -> str:
    return _filled(_ROOT / "README.md", coverage=coverage.summary_table())


def _testing_page() -> str:
    return _filled(_ROOT / "docs" / "testing.md", fates=_fates_table(), effects=_effects_table())


def _contract_page() -> str:
    return _filled(_ROOT / "docs" / "contract.md", deviations=deviations_table(), kinds=_kinds_table())


def _kinds_table() -> str:
    rows = ["| Kind | Severity | What it is |", "|---|---|---|"]
    return "\n".join([*rows, *(f"| `{name}` | {kind.severity} | {kind.meaning} |" for name, kind in KINDS.items())])


def _filled(page: Path, **parts: str) -> str:
    """Return a page with each part between the two comments of its name."""
    text = page.read_text("utf-8")
    for name, part in parts.items():
        start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        above, rest = text.split(start)
        _, below = rest.split(end)
        text = f"{above}{start}{part}\n{end}{below}"
    return text


def _fates_table() -> str:
    rows = ["| Mail to | What becomes of it | What the server there says |", "|---|---|---|"]
    rows += [f"| `{name}@{SIMULATOR}` | {fate.meaning} | `{fate.reply}` |" for name, fate in FATES.items()]
    return "\n".join(rows)


def _effects_table() -> str:
    kinds = {name: kind for kind, name in NAMES.items()}
    shared = set.intersection(*(set(schema(name)["properties"]) for name in EFFECTS))
    rows = ["| Effect | What it does | Needs | Takes |", "|---|---|---|---|"]
    for name in EFFECTS:
        rule = schema(name)
        needs, does = rule["required"], " ".join((kinds[name].__doc__ or "").split())
        takes = [field for field in rule["properties"] if field not in shared and field not in needs]
        rows.append(f"| `{name}` | {does} | {_code(needs)} | {_code(takes)} |")
    return "\n".join(rows)


def _code(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _cli_page() -> str:
    parts = ["# The command line", "", "Generated from the commands' own help."]
    for name, command, context in _commands(cli, click.Context(cli, info_name="emulator", **cli.context_settings)):
        parts += ["", f"## `{name}`", "", "```text", command.get_help(context).rstrip(), "```"]
    return "\n".join(parts) + "\n"


def _commands(command: click.Command, context: click.Context) -> Iterator[tuple[str, click.Command, click.Context]]:
    yield context.command_path, command, context
    if isinstance(command, click.Group):
        for name, sub in sorted(command.commands.items()):
            yield from _commands(sub, click.Context(sub, info_name=name, parent=context))


def _control_page() -> str:
    app = control_app()
    parts = [
        "# The control API",
        "",
        f"Generated. Everything lies below `{CONTROL_PREFIX}`; a world other than the default is chosen with the",
        "header `X-Emulator-World` or the query parameter `world`.",
        "",
        "| Request | What it does |",
        "|---|---|",
    ]
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, sorted(rule.methods or ()))):
        view = app.view_functions[rule.endpoint]
        does = " ".join((view.__doc__ or "").split())
        methods = ", ".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        parts.append(f"| `{methods} {rule.rule}` | {does} |")
    return "\n".join(parts) + "\n"


def _config_page() -> str:
    page = _ROOT / "docs" / "config.md"
    rows = ["| Key | Takes | Default | Option | What it means |", "|---|---|---|---|---|"]
    for key in config.KEYS:
        kind, default = key.takes["type"], "" if key.default in (None, [], {}) else f"`{json.dumps(key.default)}`"
        takes = {"object": "table", "array": "list"}.get(
            str(kind), kind if isinstance(kind, str) else " or ".join(kind)
        )
        option = f"`{key.option}`" if key.option else ""
        rows.append(f"| `{key.path}` | {takes} | {default} | {option} | {key.meaning} |")
    return _filled(page, keys="\n".join(rows))


def _scenarios_page() -> str:
    parts = [
        "# Scenarios",
        "",
        "Generated. Failures that the providers document, by name: `emulator.scenario(name)` in a test,",
        "`emulator fault scenario NAME` at the command line.",
        "",
        "| Scenario | What it brings about |",
        "|---|---|",
        *(f"| `{name}` | {meaning} |" for name, meaning in scenarios().items()),
    ]
    return "\n".join(parts) + "\n"


def _errors_page() -> str:
    parts = [
        "# Every documented error",
        "",
        "Generated by provoking them. Each error that a contract document knows can be had: by state, because a",
        "request is wrong, has the wrong key, or finds something in its way; all others by a fault rule, such as",
        "`emulator fault add respond provider=inkbox operation=send_message status=429`.",
    ]
    for provider in coverage.generations():
        how = provoked(provider)
        parts += [
            "",
            f"## {provider.title}, {provider.revision}",
            "",
            "| Operation | By state | By fault rule |",
            "|---|---|---|",
        ]
        for operation in provider.document.operations:
            mine = {error.status: way for error, way in how.items() if error.operation == operation}
            cells = (", ".join(str(status) for status in mine if mine[status] == way) for way in ("state", "fault"))
            parts.append(f"| `{operation}` | {' | '.join(cells)} |")
    return "\n".join(parts) + "\n"


def main(arguments: list[str]) -> int:
    """Write the pages; with --check only compare, and return 1 if one is out of date."""
    texts = {path: write() for path, write in pages().items()}
    stale = [path for path, text in texts.items() if not path.exists() or path.read_text("utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            click.echo(f"{path.relative_to(_ROOT)} is out of date: python -m docs.generate", err=True)
        return 1 if stale else 0
    for path in stale:
        path.write_text(texts[path], "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
