"""Writes the data of `kontor.billing`: prices, what a second source says of them, and exchange rates for a first start.

    python scripts/prices.py GENAI_PRICES LITELLM ECB

GENAI_PRICES is a folder with the unpacked `genai_prices` package (MIT licence), LITELLM the file
`model_prices_and_context_window_backup.json` (MIT licence), ECB the history that the European Central Bank publishes
(`eurofxref-hist.csv`). All are read as data; nothing of the second is ever run.
"""

import csv
import dataclasses
import importlib
import json
import sys
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

from kontor.billing import feed
from kontor.billing.feed import Snapshot

FOLDER = Path(__file__).parent.parent / "src" / "kontor" / "billing"

# Of the second source: our kind and its name there.
SECOND = {
    "openai": "openai",
    "anthropic": "anthropic",
    "gemini": "gemini",
    "deepseek": "deepseek",
    "xai": "xai",
    "mistral": "mistral",
    "groq": "groq",
}


def package_data(folder: Path) -> tuple[list[Any], str]:
    """The data alone: the package itself would bring an HTTP client."""
    package = ModuleType("genai_prices")
    package.__path__ = [str(folder)]
    sys.modules["genai_prices"] = package
    [metadata] = folder.parent.glob("genai_prices-*.dist-info")
    return importlib.import_module("genai_prices.data").providers, metadata.name.removesuffix(".dist-info")


def published(thing: Any) -> Any:
    """The objects of the package in the shape in which its authors publish the list."""
    if dataclasses.is_dataclass(thing):
        found = {field.name: published(getattr(thing, field.name)) for field in dataclasses.fields(thing)}
        return {name.rstrip("_"): value for name, value in found.items() if value not in (None, [], {})}
    if type(thing).__name__ == "ModelPrice":
        return {name: published(value) for name, value in vars(thing).items() if value is not None}
    if isinstance(thing, list | tuple):
        return [published(each) for each in thing]
    if isinstance(thing, Decimal):
        return float(thing)
    return thing if isinstance(thing, str | int | float | bool | dict | None) else str(thing)


def write_prices(folder: Path) -> Snapshot:
    providers, source = package_data(folder)
    kept = [{"id": each.id, "models": [published(model) for model in each.models]} for each in providers]
    snapshot = feed.read_published(kept)
    short = feed.shortened(snapshot, source=source)
    lines = []
    for provider, models in short["providers"].items():
        rows = (f" {json.dumps(name)}:{json.dumps(entry, separators=(',', ':'))}" for name, entry in models.items())
        lines.append(f"{json.dumps(provider)}:{{\n" + ",\n".join(rows) + "\n}")
    text = f'{{"source":{json.dumps(source)},"providers":{{\n' + ",\n".join(lines) + "\n}}\n"
    feed.BUNDLED.write_text(text, "utf-8")
    print(f"{feed.BUNDLED.name}: {len(snapshot.models)} models, {len(text)} bytes")
    return snapshot


def second_prices(entry: dict[str, Any]) -> dict[str, int]:
    """That output costs nothing says something only beside a price of input."""
    price_in, price_out = entry.get("input_cost_per_token"), entry.get("output_cost_per_token")
    known = {"input": price_in} if price_in else {}
    if price_out or (price_out == 0 and price_in):
        known["output"] = price_out
    return {name: feed.nano_of(Decimal(str(price)) * 1_000_000) for name, price in known.items()}


def write_second(file: Path, snapshot: Snapshot) -> None:
    listed: dict[str, Any] = json.loads(file.read_text("utf-8"))
    wanted = {(model.provider, model.model) for model in snapshot.models}
    found: dict[str, dict[str, dict[str, int]]] = {}
    for kind, there in SECOND.items():
        for name, entry in listed.items():
            model = name.removeprefix(f"{there}/")
            if entry.get("litellm_provider") == there and (kind, model) in wanted and (known := second_prices(entry)):
                found.setdefault(kind, {})[model] = known
    for name, entry in listed.items():
        # OpenRouter names models after their makers, whose prices are others; but whether output is free is the same.
        if ("openrouter", name) in wanted and second_prices(entry).get("output") == 0:
            found.setdefault("openrouter", {})[name] = {"output": 0}
    rows = (f"{json.dumps(kind)}:{json.dumps(models, separators=(',', ':'))}" for kind, models in found.items())
    feed.SECOND.write_text('{"source":"LiteLLM","providers":{\n' + ",\n".join(rows) + "\n}}\n", "utf-8")
    print(f"{feed.SECOND.name}: {sum(map(len, found.values()))} models")


def write_rates(file: Path) -> None:
    with file.open(encoding="utf-8") as lines:
        newest = max(csv.DictReader(lines), key=lambda row: row["Date"])
    rates = {code: rate for code, rate in newest.items() if code and code != "Date" and rate not in ("", "N/A")}
    target = FOLDER / "exchange_seed.json"
    target.write_text(json.dumps({"day": newest["Date"], "rates": rates}, indent=1) + "\n", "utf-8")
    print(f"{target.name}: {newest['Date']}, {len(rates)} currencies")


def main() -> None:
    folder, second, rates = map(Path, sys.argv[1:4])
    write_second(second, write_prices(folder))
    write_rates(rates)


if __name__ == "__main__":
    main()
