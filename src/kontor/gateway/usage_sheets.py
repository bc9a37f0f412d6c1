"""Usage as a table for spreadsheets. Programs get plain numbers and names; people get what opens right where they are:
in German, lists are parted by semicolons and decimals by a comma, and a spreadsheet takes anything else for text.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, text

from kontor.accounts.audit import csv_lines
from kontor.core.database import Database
from kontor.core.money import plain
from kontor.core.tenancy import Actor, Identity
from kontor.gateway import house_usage
from kontor.gateway.facts import friendly
from kontor.gateway.house_usage import Named
from kontor.gateway.runs.receipts import number_of
from kontor.gateway.usage import IN_PERIOD, KNOWN, ON_OWN_KEY, Period, kind_label, model_labels, provider_labels

Language = Literal["de", "en"]

EXPORT_PAGE = 1000
# The mark tells spreadsheets that this is UTF-8.
MARK = "\ufeff"

_LINES = text(f"""
    SELECT line.*, provider.label AS provider_label,
        coalesce(model.edits->>'label', model.facts->>'label') AS model_label
    FROM (
        SELECT *, {KNOWN} AS is_known, {ON_OWN_KEY} AS is_on_own_key FROM usage_line
        WHERE owner_id = :owner AND {IN_PERIOD}
            AND (CAST(:at AS timestamptz) IS NULL OR (finished_at, run_id) > (:at, CAST(:id AS uuid)))
        ORDER BY finished_at, run_id LIMIT :limit
    ) line
    LEFT JOIN provider ON provider.id = line.provider_id
    LEFT JOIN model ON model.id = line.model_id
    ORDER BY line.finished_at, line.run_id
""")  # noqa: S608 - expressions of our own

# Title in each language, of what programs know by the name on the left.
COLUMNS: Mapping[str, tuple[str, str]] = {
    "at": ("Zeit", "Time"),
    "run_id": ("Anfrage", "Request"),
    "receipt": ("Beleg", "Receipt"),
    "kind": ("Art", "Kind"),
    "provider": ("Anbieter", "Provider"),
    "model": ("Modell", "Model"),
    "input": ("Eingabe", "Input"),
    "cached": ("Aus dem Cache", "From cache"),
    "cache_write": ("In den Cache", "Into cache"),
    "cache_write_1h": ("In den Cache für eine Stunde", "Into cache for an hour"),
    "output": ("Ausgabe", "Output"),
    "reasoning": ("Nachdenken", "Reasoning"),
    "image": ("Bilder hinein", "Images in"),
    "image_out": ("Bilder heraus", "Images out"),
    "audio_in": ("Ton hinein", "Sound in"),
    "audio_out": ("Ton heraus", "Sound out"),
    "amount": ("Kosten", "Cost"),
    "currency": ("Währung", "Currency"),
    "provider_usd": ("Preis des Anbieters (USD)", "Price of the provider (USD)"),
    "is_free": ("Kostenlos", "Free"),
    "is_on_own_key": ("Eigener Schlüssel", "Own key"),
    "is_estimated": ("Geschätzt", "Estimated"),
    "project_id": ("Projekt", "Project"),
    "provider_request_id": ("Nummer beim Anbieter", "Number at the provider"),
}
CELL_COLUMNS: Mapping[str, tuple[str, str]] = {
    "day": ("Tag", "Day"),
    "person": ("Person", "Person"),
    "email": ("E-Mail", "E-mail"),
    "provider": ("Anbieter", "Provider"),
    "model": ("Modell", "Model"),
    "answers": ("Antworten", "Answers"),
    "failed": ("Fehlgeschlagen", "Failed"),
    "tokens_in": ("Tokens rein", "Tokens in"),
    "tokens_out": ("Tokens raus", "Tokens out"),
    "without_price": ("Ohne Preis", "Without a price"),
    "provider_usd": ("Kosten beim Anbieter (USD)", "Cost at the provider (USD)"),
    "cost": ("Kosten", "Cost"),
    "unbilled": ("Davon ohne Berechnung", "Of that not charged"),
    "charged": ("Berechnet", "Charged"),
    "currency": ("Währung", "Currency"),
}
KINDS_OF_RUNS: Mapping[str, tuple[str, str]] = {
    "api": ("Anfrage eines Programms", "Request by program"),
    "chat": ("Chat", "Chat"),
    "embed": ("Text für die Suche", "Text for search"),
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """How a table is written. Without a language it is for programs."""

    language: Language | None
    zone: ZoneInfo

    @property
    def delimiter(self) -> str:
        return ";" if self.language == "de" else ","

    def lines(self, rows: Sequence[Sequence[object]]) -> str:
        return csv_lines(rows, delimiter=self.delimiter)

    def head(self, columns: Mapping[str, tuple[str, str]]) -> str:
        return MARK + self.lines([[self.word(name, titles) for name, titles in columns.items()]])

    def word(self, name: str, titles: tuple[str, str]) -> str:
        if self.language is None:
            return name
        return titles[0] if self.language == "de" else titles[1]

    def number(self, nano: int) -> str:
        return plain(nano).replace(".", ",") if self.language == "de" else plain(nano)

    def time(self, at: datetime) -> str:
        """Spreadsheets know this for a time in every language, and know no zones."""
        if self.language is None:
            return at.isoformat()
        return f"{at.astimezone(self.zone):%Y-%m-%d %H:%M:%S}"

    def yes(self, value: bool) -> str:
        if self.language is None:
            return str(value)
        return self.word("", ("ja", "yes") if value else ("nein", "no"))

    def kind(self, kind: str) -> str:
        return self.word(kind, KINDS_OF_RUNS.get(kind, (kind, kind)))


async def export(database: Database, actor: Actor, period: Period, language: Language | None) -> AsyncIterator[str]:
    """Every line of one's own of the period, oldest first, in short units of work."""
    sheet = Sheet(language, ZoneInfo(period.zone))
    yield sheet.head(COLUMNS)
    after: tuple[datetime | None, UUID | None] = (None, None)
    while True:
        async with database.unit(Identity(actor.identity.scope, actor.user_id)) as unit:
            known = {"owner": actor.user_id, "since": period.since, "until": period.until,
                     "at": after[0], "id": after[1], "limit": EXPORT_PAGE}  # fmt: skip
            rows = (await unit.execute(_LINES, known)).all()
        if rows:
            yield sheet.lines([cells_of(sheet, row) for row in rows])
        if len(rows) < EXPORT_PAGE:
            return
        after = (rows[-1].finished_at, rows[-1].run_id)


def cells_of(sheet: Sheet, line: Row[Any]) -> Sequence[object]:
    is_for_programs = sheet.language is None
    return (
        sheet.time(line.finished_at),
        line.run_id,
        number_of(line.run_id, line.finished_at),
        sheet.kind(line.kind),
        line.provider_kind if is_for_programs else line.provider_label or kind_label(line.provider_kind),
        line.model_name if is_for_programs else line.model_label or friendly(line.model_name),
        line.input_tokens,
        line.cached_tokens,
        line.cache_write_tokens,
        line.cache_write_1h_tokens,
        line.output_tokens,
        line.reasoning_tokens,
        line.image_tokens,
        line.image_out_tokens,
        line.audio_in_tokens,
        line.audio_out_tokens,
        # Nothing is not zero: nobody knows what this one cost.
        sheet.number(line.charged_nano) if line.is_known else "",
        line.currency,
        sheet.number(line.provider_usd_nano) if line.is_known else "",
        sheet.yes(line.is_free),
        sheet.yes(line.is_on_own_key),
        sheet.yes(line.is_estimated),
        line.project_id,
        line.provider_request_id,
    )


async def export_house(
    database: Database, actor: Actor, period: Period, language: Language | None
) -> AsyncIterator[str]:
    """For administrators, a month at a time."""
    sheet = Sheet(language, ZoneInfo(period.zone))
    yield sheet.head(CELL_COLUMNS)
    for part in months_of(period):
        async with database.unit(actor.as_admin()) as unit:
            rows = await house_usage.cells(unit, part)
            names = await house_usage.people(unit, list({row.owner_id for row in rows}))
            models = await model_labels(unit, list({row.model_name for row in rows}))
            providers = await provider_labels(unit, {row.provider_key: row.provider_kind for row in rows})
        if rows:
            yield sheet.lines([house_cells(sheet, row, names, models, providers) for row in rows])


def months_of(period: Period) -> Sequence[Period]:
    parts, begins = [], period.since
    while begins < period.until:
        here = begins.astimezone(ZoneInfo(period.zone))
        ends = min((here + timedelta(days=31)).astimezone(begins.tzinfo), period.until)
        parts.append(Period(begins, ends, period.zone))
        begins = ends
    return parts


def house_cells(
    sheet: Sheet,
    row: Row[Any],
    names: Mapping[str, Named],
    models: Mapping[str, str],
    providers: Mapping[str, str],
) -> Sequence[object]:
    who = names.get(str(row.owner_id)) or Named(str(row.owner_id), None)
    is_known = row.unknown_runs < row.runs
    return (
        row.day_here,
        who.name,
        who.email,
        providers[row.provider_key],
        models[row.model_name],
        row.runs,
        row.failed,
        row.tokens_in,
        row.tokens_out,
        row.unknown_runs,
        sheet.number(row.provider_usd_nano) if is_known else "",
        sheet.number(row.cost_nano) if is_known else "",
        sheet.number(row.unbilled_nano) if is_known else "",
        sheet.number(row.revenue_nano),
        row.currency,
    )
