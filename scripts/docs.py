"""Writes the tables in the documents that are held to the code; with --check, says which are stale."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from pydantic_core import PydanticUndefined

from kontor.core.settings import Settings

ROOT = Path(__file__).resolve().parent.parent


def settings_table() -> str:
    rows = ["| Variable | Default | Meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None or field.default is PydanticUndefined else f"`{field.default}`"
        if name == "kontor_data":
            default = "see above"
        rows.append(f"| `{name.upper()}` | {'' if default == '``' else default} | {field.description} |")
    return "\n".join(rows)


def commands_table() -> str:
    from kontor.cli.main import COMMANDS

    rows = ["| Command | What it does |", "| --- | --- |"]
    rows += [f"| `kontor {command.name}`".replace(" `", " `").rstrip() + f" | {command.help} |" for command in COMMANDS]
    return "\n".join(rows)


TABLES: dict[str, tuple[str, Callable[[], str]]] = {
    "settings": ("README.md", settings_table),
    "commands": ("README.md", commands_table),
}


def fresh(text: str, name: str, table: str) -> str:
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    head, _, rest = text.partition(begin)
    _, found, tail = rest.partition(end)
    if not found:
        raise SystemExit(f"No place for the table {name}.")
    return f"{head}{begin}\n{table}\n{end}{tail}"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true")
    check = arguments.parse_args().check
    stale = []
    for name, (file, make) in TABLES.items():
        path = ROOT / file
        before = path.read_text()
        after = fresh(before, name, make())
        if before != after:
            stale.append(f"{file}: {name}")
            if not check:
                path.write_text(after)
    if check and stale:
        print("Stale, run scripts/docs.py:", ", ".join(stale))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
