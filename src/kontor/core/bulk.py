"""Many rows in one statement: each column travels as one array, and the statement reads them by `unnest`.

By the driver itself, in the unit's transaction and on its connection. This is for the few statements that every run
goes through; what is usually done for a statement on its way costs more of our time there than all the rest.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from kontor.core.units import Record, Unit, driver_of

Row = Mapping[str, object]


class Named(Protocol):
    """What a statement answers, read by the names of its columns, whoever ran it."""

    def __getitem__(self, name: str, /) -> Any: ...


async def fetch(unit: Unit, statement: str, *arguments: object) -> list[Record]:
    """With `$1`, `$2` for the arguments. Raises the driver's own errors, which `is_outage` knows as well."""
    return await driver_of(unit).fetch(statement, *arguments)


class Bulk:
    """`Bulk("UPDATE a SET b = n.b FROM {n} WHERE a.id = n.id", n={"id": "uuid", "b": "bigint"})`"""

    def __init__(self, statement: str, **sets: Mapping[str, str]) -> None:
        taken, tables = 0, dict[str, str]()
        for name, columns in sets.items():
            arrays = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(columns.values(), start=taken + 1))
            tables[name] = f"unnest({arrays}) AS {name} ({', '.join(columns)})"
            taken += len(columns)
        self._statement = statement.format(**tables)
        self._columns = [(name, column) for name, columns in sets.items() for column in columns]

    async def run(self, unit: Unit, **rows: Sequence[Row]) -> list[Record]:
        arrays: list[list[Any]] = [[row[column] for row in rows[name]] for name, column in self._columns]
        return await fetch(unit, self._statement, *arrays)
