"""Money over the wire: what people see of theirs, and what administrators set."""

from datetime import timedelta
from typing import Any

from httpx import Response

from kontor.accounts import tokens
from kontor.billing import proofs, refreshing
from kontor.core.clock import now
from kontor.core.ids import new_id
from kontor.core.money import NANO
from kontor.core.tenancy import Role
from tests.factories.accounts import audit_lines
from tests.factories.billing import charge, hold, make_price
from tests.factories.house import House, Visitor


def ok(answer: Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


async def grant(admin: Visitor, to: Visitor, nano: int, **more: object) -> str:
    body = {"user_id": str(to.id), "nano": nano, **more}
    return str(ok(await admin.post("/admin/grants", json=body), 201)["id"])


async def test_off_there_is_nothing_to_see_but_the_currency(house: House) -> None:
    anna = await house.visitor()
    found = ok(await anna.get("/billing/balance"))
    assert (found["is_on"], found["currency"], found["available"], found["lasts_until"]) == (False, "EUR", 0, None)
    assert ok(await anna.get("/billing/entries"))["items"] == []


async def test_credit_is_granted_spent_seen_and_recorded(house: House) -> None:
    admin, anna, otto = await house.visitor(Role.ADMIN), await house.visitor(), await house.visitor()
    ok(await admin.put("/admin/billing", json={"is_on": True}))
    await grant(admin, anna, 5 * NANO, note="Welcome", expires_at=(now() + timedelta(days=9)).isoformat())
    run = new_id()
    await hold(house.database, anna.id, 2 * NANO, run_id=run)
    before = ok(await anna.get("/billing/balance"))
    assert before["held"] == 2 * NANO
    [left] = before["grants"]
    assert left["remaining_nano"] == 5 * NANO and left["expires_at"] > now().isoformat()
    await charge(house.database, run, NANO)
    found = ok(await anna.get("/billing/balance"))
    assert {name: found[name] for name in ("is_on", "available", "granted", "held", "debt", "today")} == {
        "is_on": True,
        "available": 4 * NANO,
        "granted": 4 * NANO,
        "held": 0,
        "debt": 0,
        "today": NANO,
    }
    assert found["lasts_until"] > now().isoformat()
    first = ok(await anna.get("/billing/entries", params={"limit": 1}))
    rest = ok(await anna.get("/billing/entries", params={"cursor": first["next_cursor"]}))
    shown = [(item["kind"], item["nano"], item["run_id"]) for item in first["items"] + rest["items"]]
    assert shown == [("settle", -NANO, str(run)), ("grant", 5 * NANO, None)]
    assert rest["next_cursor"] is None
    assert ok(await otto.get("/billing/entries"))["items"] == []
    assert len(await audit_lines(house, owner=anna.id, action="credit.granted")) == 1
    assert {event["reason"] for event in await house.events_of(anna.id, "billing.changed")} == {"grant", "settled"}


async def test_a_grant_is_taken_back_as_far_as_it_is_there(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.visitor()
    made = await grant(admin, anna, 1_000)
    await hold(house.database, anna.id, 300)
    assert ok(await admin.delete(f"/admin/grants/{made}")) == {"withdrawn_nano": 700}
    [shown] = ok(await admin.get("/admin/grants", params={"user_id": str(anna.id)}))["items"]
    assert (shown["person"], shown["nano"], shown["remaining_nano"]) == ("Anna Muster", 1_000, 300)


async def test_grants_are_above_zero_and_expire_later_than_now(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.visitor()
    for wrong in ({"nano": 0}, {"nano": -5}, {"nano": 5, "expires_at": "2020-01-01T00:00:00Z"}, {"nano": 10**19}):
        answer = await admin.post("/admin/grants", json={"user_id": str(anna.id), **wrong})
        assert answer.status_code == 422
    nobody = await admin.post("/admin/grants", json={"user_id": str(new_id()), "nano": 5})
    assert (nobody.status_code, nobody.json()["code"]) == (404, "billing.payer_not_found")


async def test_what_a_run_was_charged_is_given_back_once(house: House) -> None:
    admin, anna, run = await house.visitor(Role.ADMIN), await house.visitor(), new_id()
    await grant(admin, anna, 1_000)
    await hold(house.database, anna.id, 300, run_id=run)
    await charge(house.database, run, 200)
    entry = ok(await anna.get("/billing/entries"))["items"][0]["id"]
    ok(await admin.post(f"/admin/billing/entries/{entry}/give-back", json={"note": "It was empty"}))
    again = await admin.post(f"/admin/billing/entries/{entry}/give-back", json={})
    assert (again.status_code, again.json()["code"]) == (409, "billing.entry_not_reversible")
    newest, charged, _ = ok(await anna.get("/billing/entries"))["items"]
    assert (newest["kind"], newest["nano"], newest["note"]) == ("correction", 200, "It was empty")
    assert (charged["id"], charged["is_given_back"], newest["is_given_back"]) == (entry, True, False)
    first = ok(await admin.get(f"/admin/billing/people/{anna.id}/entries", params={"limit": 1}))
    rest = ok(await admin.get(f"/admin/billing/people/{anna.id}/entries", params={"cursor": first["next_cursor"]}))
    assert [each["kind"] for each in first["items"] + rest["items"]] == ["correction", "settle", "grant"]


async def test_budgets_are_set_all_at_once_and_by_nobody_over_another_window(house: House) -> None:
    anna = await house.visitor()
    first = await anna.get("/billing/budgets")
    body = {"items": [{"period": "day", "limit_nano": 500, "warn_percent": 50, "stops": False}]}
    saved = await anna.put("/billing/budgets", json=body, headers={"If-Match": first.headers["ETag"]})
    [budget] = ok(saved)["items"]
    assert (budget["limit_nano"], budget["stops"], budget["is_imposed"]) == (500, False, False)
    stale = await anna.put("/billing/budgets", json={"items": []}, headers={"If-Match": first.headers["ETag"]})
    assert stale.status_code == 412
    twice = {"items": [{"period": "day", "limit_nano": 1}, {"period": "day", "limit_nano": 2}]}
    assert (await anna.put("/billing/budgets", json=twice)).status_code == 422
    gone = await anna.put("/billing/budgets", json={"items": []}, headers={"If-Match": saved.headers["ETag"]})
    assert ok(gone)["items"] == []


async def test_what_administrators_impose_its_owner_sees_and_keeps(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.visitor()
    body = {"items": [{"period": "month", "limit_nano": 700}]}
    ok(await admin.put(f"/admin/billing/people/{anna.id}/budgets", json=body))
    ok(await anna.put("/billing/budgets", json={"items": [{"period": "month", "limit_nano": 9_000}]}))
    ok(await anna.put("/billing/budgets", json={"items": []}))
    [left] = ok(await anna.get("/billing/budgets"))["items"]
    assert (left["limit_nano"], left["is_imposed"]) == (700, True)
    assert ok(await admin.get(f"/admin/billing/people/{anna.id}"))["budgets"]["items"] == [left]
    stranger = await admin.put(f"/admin/billing/people/{new_id()}/budgets", json=body)
    assert stranger.status_code == 404


async def test_a_token_of_ones_own_has_a_budget_and_no_other(house: House) -> None:
    anna, otto = await house.visitor(), await house.visitor()
    async with house.database.unit(anna.actor) as unit:
        made = await tokens.make(unit, anna.actor, name="Script", scopes=["account:read"], expires_in_days=None)
    body = {"items": [{"period": "total", "limit_nano": 700}]}
    path = f"/billing/budgets?subject=key&subject_id={made.row.id}"
    [budget] = ok(await anna.put(path, json=body))["items"]
    assert (budget["subject"], budget["subject_id"]) == ("key", str(made.row.id))
    refused = await otto.put(path, json=body)
    assert (refused.status_code, refused.json()["code"]) == (404, "billing.subject_not_found")


async def test_the_house_sets_how_money_is_handled_and_sees_how_it_fares(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    await refreshing.plant(house.database)
    await proofs.prove(house.database)
    first = await admin.get("/admin/billing")
    found = ok(first)
    assert (found["is_on"], found["rates"]["source"], found["proof"]["is_sound"]) == (False, "seed", True)
    assert found["prices_waiting"] > 0
    assert found["feeds"][0]["added"] > 1_000
    wanted = {"is_on": True, "currency": "CHF", "markups": [{"provider": "openai", "basis_points": 500}]}
    changed = await admin.put("/admin/billing", json=wanted, headers={"If-Match": first.headers["ETag"]})
    assert ok(changed)["markups"] == [{"provider": "openai", "model": None, "role": None, "basis_points": 500}]
    stale = await admin.put("/admin/billing", json={"is_on": False}, headers={"If-Match": first.headers["ETag"]})
    assert stale.status_code == 412
    [line] = await audit_lines(house, action="billing.changed")
    assert line.details["is_on"] == {"before": False, "after": True}
    wrongs: list[dict[str, object]] = [
        {"currency": "XXX"},
        {"spread_bp": -1},
        {"prices_url": "ftp://x"},
        {"markups": [{}]},
    ]
    for wrong in wrongs:
        assert (await admin.put("/admin/billing", json=wrong)).status_code == 422


async def test_prices_are_listed_set_and_looked_back_at(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    for name in ("a", "b", "c"):
        await make_price(house.database, "openai", f"gpt-{name}", input=NANO, output=4 * NANO)
    page = ok(await admin.get("/admin/prices", params={"search": "GPT-", "limit": 2}))
    rest = ok(await admin.get("/admin/prices", params={"search": "GPT-", "cursor": page["next_cursor"]}))
    assert [item["model"] for item in page["items"] + rest["items"]] == ["gpt-a", "gpt-b", "gpt-c"]
    wish = {"provider": "openai", "model": "gpt-a", "prices": {"input": 9 * NANO, "output": 4 * NANO}}
    refused = await admin.post("/admin/prices", json=wish)
    assert (refused.status_code, refused.json()["code"]) == (422, "billing.price_refused")
    made = ok(await admin.post("/admin/prices", json=wish | {"is_meant": True}), 201)["id"]
    history = ok(await admin.get(f"/admin/prices/{made}/history"))["items"]
    assert [(item["source"], item["prices"]["input"]) for item in history] == [("admin", 9 * NANO), ("feed", NANO)]
    [shown] = ok(await admin.get("/admin/prices", params={"search": "gpt-a"}))["items"]
    assert shown["id"] == made
    odd = await admin.post("/admin/prices", json=wish | {"prices": {"inputs": 5}})
    assert odd.status_code == 422


async def test_what_the_gate_holds_is_decided_by_an_administrator(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    await refreshing.plant(house.database)
    page = ok(await admin.get("/admin/prices/review", params={"limit": 1}))
    held = page["items"][0]
    assert held["findings"][0]["reason"] == "no_output"
    more = ok(await admin.get("/admin/prices/review", params={"cursor": page["next_cursor"]}))
    assert held["id"] not in {item["id"] for item in more["items"]}
    ok(await admin.post(f"/admin/prices/review/{held['id']}", json={"decision": "accept"}))
    again = await admin.post(f"/admin/prices/review/{held['id']}", json={"decision": "reject"})
    assert again.status_code == 404


async def test_rates_are_typed_in_where_nothing_is_fetched(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    assert ok(await admin.get("/admin/billing"))["rates"]["state"] == "missing"
    ok(await admin.post("/admin/exchange-rates", json={"rates": {"USD": "1.25"}}), 201)
    assert ok(await admin.get("/admin/billing"))["rates"] == {
        "day": str(now().date()),
        "source": "admin",
        "state": "fresh",
        "usd": "0.8",
        "fetched_at": None,
        "error": None,
    }
    wrongs: list[dict[str, str]] = [{"USD": "0"}, {"CHF": "1"}, {"USD": "NaN"}, {}]
    for wrong in wrongs:
        assert (await admin.post("/admin/exchange-rates", json={"rates": wrong})).status_code == 422
