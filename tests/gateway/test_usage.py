"""Sums, the log, sheets and receipts, over runs that were paid for in every way there is."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from httpx import Response
from sqlalchemy import text

from kontor.billing import exchange, wallets
from kontor.billing.usage import Usage
from kontor.core.clock import moved, now
from kontor.core.database import Database
from kontor.core.ids import new_id
from kontor.core.money import NANO
from kontor.core.tenancy import Role
from kontor.gateway.runs.judging import End
from kontor.gateway.runs.settling import State
from kontor.gateway.tables import Model, Provider
from tests.factories.billing import make_price, make_rates, switch_on
from tests.factories.house import House, Visitor
from tests.factories.runs import make_run, quote

# What a run of the factory costs: 1000 tokens at three dollars and 200 at fifteen, for a million.
DOLLARS = 6_000_000


def ok(answer: Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
async def anna(house: House) -> Visitor:
    return await house.visitor(name="Anna")


async def rate_of(database: Database) -> UUID:
    """A euro is 1.25 dollars."""
    await make_rates(database, usd="1.25", CHF="0.95")
    async with database.system("test") as unit:
        return (await exchange.latest(unit, 1))[0].id


async def every_kind(house: House, who: Visitor) -> None:
    """One for the house's key, one without a price, one on a key of one's own, one free, one that failed."""
    paid = quote(fx=Decimal("0.8"), fx_rate_id=await rate_of(house.database))
    await make_run(house.database, who.id, paid)
    await make_run(house.database, who.id, quote(rate=None), model="odd")
    await make_run(house.database, who.id, quote(is_own_key=True))
    await make_run(house.database, who.id, quote(is_free=True), provider="ollama", model="phi4")
    await make_run(house.database, who.id, paid, model="odd", state=State.FAILED, end=End.REFUSED)


async def test_a_sum_says_what_is_missing_from_it(house: House, anna: Visitor) -> None:
    await every_kind(house, anna)
    found = ok(await anna.get("/usage", params={"group": "model"}))
    by_key = {item["key"]: item for item in found["items"]}
    assert by_key["odd"]["cost"] is None and by_key["odd"]["unknown_runs"] == 1
    assert by_key["phi4"]["cost"] == {"nano": 0, "currency": "EUR"}
    sonnet = by_key["claude-sonnet-4-5"]
    assert sonnet["label"] == "Claude Sonnet 4.5"
    assert sonnet["cost"] == {"nano": 4_800_000, "currency": "EUR"}
    assert (sonnet["own_key_runs"], sonnet["own_key_cost"]) == (1, {"nano": DOLLARS, "currency": "USD"})
    total = found["total"]
    assert (total["runs"], total["unknown_runs"], total["own_key_runs"]) == (4, 1, 1)
    assert total["cost"] == {"nano": 4_800_000, "currency": "EUR"}


async def test_providers_are_called_as_the_house_calls_them(house: House, anna: Visitor) -> None:
    mine = Provider(id=new_id(), kind="compatible", label="Campus gateway", protocol="openai_chat",
                    base_url="http://localhost:1", origin="http://localhost:1")  # fmt: skip
    async with house.database.system("test") as unit:
        unit.add(mine)
        await unit.flush()
        model = Model(id=new_id(), provider_id=mine.id, name="m1", source="manual", edits={"label": "Our own"})
        unit.add(model)
    await make_run(house.database, anna.id, quote(), provider="compatible", provider_id=mine.id, model="m1")
    await make_run(house.database, anna.id, quote(), provider="compatible", provider_id=new_id(), model="m2")
    found = ok(await anna.get("/usage", params={"group": "provider"}))["items"]
    assert {item["label"] for item in found} == {"Campus gateway", "OpenAI-compatible"}
    [line] = ok(await anna.get("/usage/log", params={"provider": str(mine.id)}))["items"]
    assert (line["model"], line["provider_label"]) == ("m1", "Campus gateway")
    assert {item["label"] for item in ok(await anna.get("/usage", params={"group": "model"}))["items"]} == {
        "Our own",
        "M2",
    }


async def test_the_log_is_asked_by_model_and_time(house: House, anna: Visitor) -> None:
    with moved(-timedelta(days=40)):
        await make_run(house.database, anna.id, quote(), model="old")
    await make_run(house.database, anna.id, quote(), model="new")
    await make_run(house.database, anna.id, quote(is_own_key=True), model="mine")

    async def models(**asked: str) -> list[tuple[str, bool]]:
        items = ok(await anna.get("/usage/log", params=asked))["items"]
        return [(item["model"], item["is_own_key"]) for item in items]

    assert await models() == [("mine", True), ("new", False), ("old", False)]
    assert await models(model="old") == [("old", False)]
    assert await models(since=str((now() - timedelta(days=3)).date())) == [("mine", True), ("new", False)]
    assert await models(model="new", project=str(new_id())) == []
    refused = await anna.get("/usage/log", params={"since": "2030-02-01", "until": "2030-01-01"})
    assert refused.status_code == 422


def rows_of(answer: Response, delimiter: str) -> list[dict[str, str]]:
    assert answer.status_code == 200
    assert answer.text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")), delimiter=delimiter))


async def test_a_sheet_opens_right_where_it_is_read(house: House, anna: Visitor) -> None:
    ok(await anna.patch("/settings", json={"timezone": "Europe/Berlin"}))
    await every_kind(house, anna)
    german = rows_of(await anna.get("/usage.csv", params={"language": "de"}), ";")
    assert [row["Kosten"] for row in german] == ["0,0048", "", "0", "0"]
    assert [row["Preis des Anbieters (USD)"] for row in german] == ["0,006", "", "0,006", "0"]
    assert [row["Eigener Schlüssel"] for row in german] == ["nein", "nein", "ja", "nein"]
    assert (german[0]["Modell"], german[0]["Anbieter"], german[0]["Art"]) == (
        "Claude Sonnet 4.5", "Anthropic", "Anfrage eines Programms",
    )  # fmt: skip
    assert len(german[0]["Zeit"]) == len("2026-11-20 14:32:07")
    english = rows_of(await anna.get("/usage.csv", params={"language": "en"}), ",")
    assert [row["Cost"] for row in english] == ["0.0048", "", "0", "0"]
    assert english[0]["Time"] == german[0]["Zeit"]
    plain = rows_of(await anna.get("/usage.csv"), ",")
    assert (plain[0]["amount"], plain[0]["model"], plain[0]["is_free"]) == ("0.0048", "claude-sonnet-4-5", "False")


async def test_the_house_sees_cost_revenue_and_errors(house: House, anna: Visitor) -> None:
    database, admin, otto = house.database, await house.visitor(Role.ADMIN), await house.visitor(name="Otto")
    await switch_on(database, markup_bp=2500)
    rate = await rate_of(database)
    for who in (anna, otto):
        async with database.system("billing") as unit:
            await wallets.grant(unit, who.id, NANO)
    billed = quote(fx=Decimal("0.8"), fx_rate_id=rate, markup_bp=2500, is_billed=True)
    run = await make_run(database, anna.id, billed)
    await make_run(database, otto.id, billed, usage=Usage(input=2000, output=400))
    await make_run(database, otto.id, quote(is_own_key=True))
    await make_run(database, otto.id, billed, state=State.FAILED, end=End.REFUSED)
    found = ok(await admin.get("/admin/usage"))
    assert found["is_billed"] is True
    by_name = {item["label"]: item for item in found["items"]}
    assert by_name["Anna"]["cost"] == {"nano": 4_800_000, "currency": "EUR"}
    assert by_name["Anna"]["revenues"] == [{"nano": 6_000_000, "currency": "EUR"}]
    assert by_name["Anna"]["provider_cost"] == {"nano": DOLLARS, "currency": "USD"}
    # What Otto asked on his own key is his provider's business, and an error is counted though nothing was used.
    mine = by_name["Otto"]
    assert (mine["runs"], mine["requests"], mine["failed"], mine["own_key_runs"]) == (2, 3, 1, 1)
    assert mine["provider_cost"]["nano"] == 2 * DOLLARS
    assert mine["detail"].endswith("@example.org")
    total = found["total"]
    assert (total["cost"]["nano"], total["revenues"][0]["nano"]) == (14_400_000, 18_000_000)
    entry = ok(await anna.get("/billing/entries"))["items"][0]
    assert (await admin.post(f"/admin/billing/entries/{entry['id']}/give-back", json={})).status_code == 200
    again = ok(await admin.get("/admin/usage", params={"group": "day"}))
    assert again["given_back"] == [{"nano": 6_000_000, "currency": "EUR"}]
    assert (again["total"]["runs"], again["total"]["failed"]) == (3, 1)
    assert ok(await anna.get(f"/runs/{run}/receipt"))["given_back"] == "0.006"


@pytest.mark.parametrize("group", ["day", "model", "project", "person", "provider"])
async def test_every_grouping_of_the_house_has_the_same_total(house: House, anna: Visitor, group: str) -> None:
    admin = await house.visitor(Role.ADMIN)
    await every_kind(house, anna)
    found = ok(await admin.get("/admin/usage", params={"group": group}))
    total = found["total"]
    assert (total["runs"], total["requests"], total["failed"], total["unknown_runs"]) == (4, 5, 1, 1)
    assert total["cost"] == {"nano": 4_800_000, "currency": "EUR"}
    assert total["revenues"] == []
    assert all(item["label"] for item in found["items"] if item["key"])


async def months_of(admin: Visitor, *people: Visitor) -> list[Any]:
    found: list[Any] = ok(await admin.get("/admin/usage/months", params={"person": [str(each.id) for each in people]}))[
        "items"
    ]
    return found


async def test_a_persons_month_is_to_the_nano_what_they_see_themselves(house: House, anna: Visitor) -> None:
    admin, otto = await house.visitor(Role.ADMIN), await house.visitor(name="Otto")
    with moved(datetime(2026, 11, 20, 12, tzinfo=UTC) - now()):
        admin, anna, otto = [await house.sign_in(each.id) for each in (admin, anna, otto)]
        ok(await anna.patch("/settings", json={"timezone": "Pacific/Auckland"}))
        # In Auckland it is November for an hour already, in Berlin for eleven hours not yet.
        for at in (datetime(2026, 10, 31, 10, tzinfo=UTC), datetime(2026, 10, 31, 12, tzinfo=UTC)):
            with moved(at - now()):
                await make_run(house.database, anna.id, quote(fx=Decimal("0.8")))
        await every_kind(house, anna)
        await make_run(house.database, anna.id, quote(currency="CHF"))
        [month, nothing] = await months_of(admin, anna, otto)
        mine = ok(await anna.get("/usage", params={"since": "2026-11-01", "until": "2026-11-21"}))["total"]
    assert month == mine | {
        "person_id": str(anna.id), "since": "2026-11-01T00:00:00+13:00", "limit": None,
    }  # fmt: skip
    assert (month["runs"], month["unknown_runs"], month["own_key_runs"]) == (6, 1, 1)
    # What the day's rate leaves of a fraction is the payer's in every run.
    assert (month["cost"], month["further_costs"]) == (
        {"nano": 9_600_000, "currency": "EUR"},
        [{"nano": DOLLARS, "currency": "CHF"}],
    )
    assert (nothing["runs"], nothing["cost"], nothing["since"]) == (0, None, "2026-11-01T00:00:00Z")


async def test_a_month_ends_at_the_limit_that_is_nearer(house: House, anna: Visitor) -> None:
    admin = await house.visitor(Role.ADMIN)
    imposed = {"items": [{"period": "month", "limit_nano": NANO, "warn_percent": 50}]}
    ok(await admin.put(f"/admin/billing/people/{anna.id}/budgets", json=imposed))
    limit = {
        "currency": "EUR", "limit_nano": NANO, "spent_nano": 0, "warn_percent": 50, "stops": True, "is_imposed": True,
    }  # fmt: skip
    assert [month["limit"] for month in await months_of(admin, anna)] == [limit]
    ok(await anna.put("/billing/budgets", json={"items": [{"period": "month", "limit_nano": NANO // 2},
                                                          {"period": "day", "limit_nano": NANO}]}))  # fmt: skip
    await make_run(house.database, anna.id, quote(is_own_key=True))
    [month] = await months_of(admin, anna)
    # On a key of one's own nothing is charged, and the limit counts it all the same.
    assert month["cost"] == {"nano": 0, "currency": "EUR"}
    assert month["limit"] == limit | {
        "limit_nano": NANO // 2, "spent_nano": DOLLARS, "warn_percent": 80, "is_imposed": False,
    }  # fmt: skip
    with moved(timedelta(days=32)):
        later = await house.sign_in(admin.id)
        [month] = await months_of(later, anna)
    assert (month["runs"], month["limit"]["spent_nano"]) == (0, 0)


async def test_months_are_asked_for_those_who_are_there(house: House, anna: Visitor) -> None:
    admin, nobody = await house.visitor(Role.ADMIN), str(new_id())
    found = ok(await admin.get("/admin/usage/months", params={"person": [nobody, str(anna.id), str(anna.id)]}))
    assert [month["person_id"] for month in found["items"]] == [str(anna.id)]
    many = {"person": [str(new_id()) for _ in range(101)]}
    assert (await admin.get("/admin/usage/months", params=many)).status_code == 422


async def test_the_sheet_of_the_house_has_a_line_for_each_person_and_model(house: House, anna: Visitor) -> None:
    admin = await house.visitor(Role.ADMIN)
    await every_kind(house, anna)
    rows = rows_of(await admin.get("/admin/usage.csv", params={"language": "de"}), ";")
    told = [(row["Person"], row["Modell"], row["Antworten"], row["Fehlgeschlagen"], row["Kosten"]) for row in rows]
    assert sorted(told) == [
        ("Anna", "Claude Sonnet 4.5", "2", "0", "0,0048"),
        ("Anna", "Odd", "1", "1", ""),
        ("Anna", "Phi4", "1", "0", "0"),
    ]
    plain = rows_of(await admin.get("/admin/usage.csv"), ",")
    assert {row["email"] for row in plain} == {ok(await anna.get("/auth/me"))["email"]}


async def test_a_sheet_over_many_months_has_every_day_once(house: House, anna: Visitor) -> None:
    admin = await house.visitor(Role.ADMIN)
    for days in (95, 31, 0):
        with moved(-timedelta(days=days)):
            await make_run(house.database, anna.id, quote())
    asked = {"since": str((now() - timedelta(days=100)).date())}
    rows = rows_of(await admin.get("/admin/usage.csv", params=asked), ",")
    assert [row["answers"] for row in rows] == ["1", "1", "1"]
    assert [row["day"] for row in rows] == sorted({row["day"] for row in rows})


async def test_a_receipt_leads_from_every_number_to_where_it_is_from(house: House, anna: Visitor) -> None:
    database = house.database
    await switch_on(database)
    async with database.system("billing") as unit:
        await wallets.grant(unit, anna.id, NANO)
    price = await make_price(database, "anthropic", "claude-sonnet-4-5", input=3 * NANO, output=15 * NANO)
    terms = quote(
        fx=Decimal("0.808"), fx_rate_id=await rate_of(database), fx_day="2026-11-20", spread_bp=100, markup_bp=1500,
        is_billed=True,
    )  # fmt: skip
    assert terms.rate is not None
    stored = terms.rate.__class__(terms.rate.usd_nano_per_million, price, now(), "feed")
    run = await make_run(database, anna.id, quote(**{name: getattr(terms, name) for name in (
        "fx", "fx_rate_id", "fx_day", "spread_bp", "markup_bp", "is_billed")}, rate=stored))  # fmt: skip
    found = ok(await anna.get(f"/runs/{run}/receipt"))
    assert (found["model_label"], found["provider_label"]) == ("Claude Sonnet 4.5", "Anthropic")
    rates = {line["class"]: (line["rate_per_million"], line["rate_in_currency"]) for line in found["lines"]}
    assert rates == {"input": ("3", "2.7876"), "output": ("15", "13.938")}
    assert (found["provider_usd"], found["provider_cost"]) == ("0.006", "0.004848")
    assert (found["markup"], found["markup_percent"], found["sum"]) == ("0.0007272", "15", "0.0055752")
    assert Decimal(found["hold"]) - Decimal(found["released"]) == Decimal(found["sum"])
    assert found["fx"] == {
        "rate": "0.808", "reference": "0.8", "day": "2026-11-20", "source": "admin", "spread_percent": "1",
    }  # fmt: skip
    version = found["price_version"]
    assert (version["id"], version["provider"], version["model"]) == (str(price), "anthropic", "claude-sonnet-4-5")
    assert (found["settled_as"], found["is_told_by_provider"], found["given_back"]) == ("reported", False, None)


async def test_a_receipt_of_an_own_key_says_what_the_provider_is_owed(house: House, anna: Visitor) -> None:
    run = await make_run(house.database, anna.id, quote(is_own_key=True))
    found = ok(await anna.get(f"/runs/{run}/receipt"))
    assert (found["is_own_key"], found["sum"], found["spent"]) == (True, "0", "0.006")


async def test_a_receipt_says_that_the_provider_named_its_price(house: House, anna: Visitor) -> None:
    run = await make_run(house.database, anna.id, quote(), said_usd_nano=9_000_000)
    found = ok(await anna.get(f"/runs/{run}/receipt"))
    assert (found["is_told_by_provider"], found["provider_usd"]) == (True, "0.009")
    assert sum(Decimal(line["amount"]) for line in found["lines"]) == Decimal(found["sum"])


async def test_what_is_kept_for_an_hour_and_what_was_drawn_are_counted_apart(house: House, anna: Visitor) -> None:
    apart = {"input": 10, "cached": 20, "cache_write": 30, "output": 40, "reasoning": 50, "image": 60, "audio_in": 70,
             "audio_out": 80, "cache_write_1h": 90, "image_out": 100}  # fmt: skip
    for _ in range(2):
        await make_run(house.database, anna.id, quote(), usage=Usage(**apart))
    total = ok(await anna.get("/usage"))["total"]
    assert total["tokens"] == {name: 2 * number for name, number in apart.items()}
    assert (total["tokens_in"], total["tokens_out"]) == (2 * 280, 2 * 270)
    line = ok(await anna.get("/usage/log"))["items"][0]
    assert (line["tokens"], line["tokens_in"], line["tokens_out"]) == (apart, 280, 270)
    sheet = rows_of(await anna.get("/usage.csv"), ",")
    assert [{name: int(row[name]) for name in apart} for row in sheet] == [apart, apart]
    admin = await house.visitor(Role.ADMIN)
    everybody = ok(await admin.get("/admin/usage"))["total"]
    assert (everybody["tokens_in"], everybody["tokens_out"]) == (2 * 280, 2 * 270)


async def test_a_statement_names_the_model_also_of_an_answer_that_was_deleted(house: House, anna: Visitor) -> None:
    database, admin = house.database, await house.visitor(Role.ADMIN)
    await switch_on(database)
    async with database.system("billing") as unit:
        await wallets.top_up(unit, anna.id, NANO, source="test", source_id="1")
    kept, gone = [await make_run(database, anna.id, quote(is_billed=True), model=name) for name in ("gpt-5", "odd")]
    async with database.system("test") as unit:
        await unit.execute(text("DELETE FROM run WHERE id = :id"), {"id": gone})
    newest, older, top_up = ok(await anna.get("/billing/entries"))["items"]
    assert (newest["run_id"], newest["model_label"], newest["has_receipt"]) == (str(gone), "Odd", False)
    assert (older["run_id"], older["model"], older["has_receipt"]) == (str(kept), "gpt-5", True)
    assert (top_up["run_id"], top_up["model"], top_up["has_receipt"]) == (None, None, False)
    assert (await anna.get(f"/runs/{kept}/receipt")).status_code == 200
    assert (await anna.get(f"/runs/{gone}/receipt")).status_code == 404
    assert (await admin.post(f"/admin/billing/entries/{older['id']}/give-back", json={})).status_code == 200
    correction = ok(await anna.get("/billing/entries", params={"limit": 1}))["items"][0]
    assert (correction["kind"], correction["run_id"], correction["model"]) == ("correction", str(kept), "gpt-5")


async def test_what_was_asked_before_anything_was_charged_is_told_apart_from_the_margin(
    house: House, anna: Visitor
) -> None:
    """Billing is switched on in the middle of a day: what was used until then stands against no revenue."""
    database, admin = house.database, await house.visitor(Role.ADMIN)
    rate = await rate_of(database)
    plain = quote(fx=Decimal("0.8"), fx_rate_id=rate)
    await make_run(database, anna.id, plain)
    assert (await house_total(admin))["unbilled_costs"] == [{"nano": 4_800_000, "currency": "EUR"}]
    await switch_on(database, markup_bp=2500)
    async with database.system("billing") as unit:
        await wallets.grant(unit, anna.id, NANO)
    await make_run(database, anna.id, replace(plain, markup_bp=2500, is_billed=True))
    await make_run(database, anna.id, quote(is_own_key=True, is_billed=True))
    total = await house_total(admin)
    assert total["cost"] == {"nano": 9_600_000, "currency": "EUR"}
    assert total["unbilled_costs"] == [{"nano": 4_800_000, "currency": "EUR"}]
    assert total["revenues"] == [{"nano": 6_000_000, "currency": "EUR"}]
    [line] = rows_of(await admin.get("/admin/usage.csv"), ",")
    assert (line["cost"], line["unbilled"], line["charged"]) == ("0.0096", "0.0048", "0.006")


async def house_total(admin: Visitor) -> dict[str, Any]:
    found: dict[str, Any] = ok(await admin.get("/admin/usage"))["total"]
    return found
