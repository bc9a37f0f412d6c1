"""Looking after people over HTTP: who finds whom, who changes what, and what a change does at once."""

import base64
import json
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from kontor.core.ids import UserId, new_id
from kontor.core.tenancy import Role
from tests.factories.accounts import bearer, mails_to, make_account, signed_in_browser, tokens_for
from tests.factories.house import House, Visitor

MISSING = "/admin/users/00000000-0000-4000-8000-000000000000"


async def names(visitor: Visitor, **params: Any) -> list[str]:
    answer = await visitor.get("/admin/users", params=params)
    assert answer.status_code == 200, answer.text
    return [each["name"] for each in answer.json()["items"]]


async def state_of(house: House, user_id: UserId) -> Any:
    async with house.database.system("test") as unit:
        return (await unit.execute(text("SELECT * FROM person WHERE id = :id"), {"id": user_id})).one_or_none()


async def actions_about(house: House, user_id: UserId) -> list[str]:
    async with house.database.system("test") as unit:
        rows = await unit.execute(
            text("SELECT action FROM audit_line WHERE subject_id = :id ORDER BY id"), {"id": str(user_id)}
        )
        return [row.action for row in rows]


async def test_people_are_found_by_words_of_their_name_or_address(house: House) -> None:
    admin = await house.visitor(Role.ADMIN, name="Root")
    await house.person(name="Änne Müller", email="anne@kunst.example.org")
    await house.person(name="Ben Müller", email="ben@example.org")
    await house.person(name="100% Percent", email="under_score@example.org")
    assert await names(admin, search="müller") == ["Ben Müller", "Änne Müller"]
    assert await names(admin, search="MÜLLER anne@") == ["Änne Müller"]
    assert await names(admin, search="kunst") == ["Änne Müller"]
    assert await names(admin, search="%") == ["100% Percent"]
    assert await names(admin, search="r_s") == ["100% Percent"]
    assert await names(admin, search="nobody") == []


async def test_people_are_filtered_by_role_and_state(house: House) -> None:
    admin = await house.visitor(Role.ADMIN, name="Root")
    await house.person(name="Waiting", state="waiting")
    await house.person(Role.MANAGER, name="Manager")
    assert await names(admin, state="waiting") == ["Waiting"]
    assert await names(admin, role="manager") == ["Manager"]
    assert await names(admin, role="manager", state="waiting") == []
    assert (await admin.get("/admin/users", params={"role": "owner"})).status_code == 422


@pytest.mark.parametrize("sort", ["name", "-name", "email", "-email", "created_at", "-created_at", "last_seen_at"])
async def test_pages_hold_everybody_once_while_people_come_and_go(house: House, sort: str) -> None:
    admin = await house.visitor(Role.ADMIN, name="Root")
    expected = {str(await house.person(name=f"Same {number // 3}")) for number in range(11)} | {str(admin.id)}
    doomed = await house.person(name="Same 1")
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"sort": sort, "limit": 3, **({"cursor": cursor} if cursor else {})}
        page = (await admin.get("/admin/users", params=params)).json()
        seen += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        await house.person(name="AAA comes in at the front", email=f"aaa{new_id().hex}@example.org")
        await admin.delete(f"/admin/users/{doomed}")
    assert len(seen) == len(set(seen))
    assert expected <= set(seen)


async def test_the_total_counts_all_that_match(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    for _ in range(4):
        await house.person(name="Counted")
    page = (await admin.get("/admin/users", params={"search": "counted", "limit": 2})).json()
    assert (page["total"], len(page["items"])) == (4, 2)


async def test_a_cursor_belongs_to_its_order(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    await house.person()
    cursor = (await admin.get("/admin/users", params={"sort": "name", "limit": 1})).json()["next_cursor"]
    for sort in ("-name", "created_at"):
        answer = await admin.get("/admin/users", params={"sort": sort, "cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (422, "http.bad_cursor")


async def test_a_person_is_shown_with_all_that_managing_needs_and_no_secret(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.visitor(name="Anna Muster", email="anna@example.org")
    answer = await admin.get(f"/admin/users/{anna.id}")
    found = answer.json()
    assert answer.headers["etag"] == '"1"'
    assert found.pop("created_at")
    assert found.pop("last_seen_at", None) is None
    assert found == {
        "id": str(anna.id),
        "email": "anna@example.org",
        "name": "Anna Muster",
        "initials": "AM",
        "role": "user",
        "state": "active",
        "language": "en",
        "email_verified": False,
        "suspended_reason": None,
        "sign_in": [],
        "sessions": 1,
        "quota_bytes": None,
        "used_bytes": 0,
        "version": 1,
    }


DEEDS: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "", None),
    ("PATCH", "", {"name": "Other"}),
    ("PUT", "", {"name": "Other", "email": "o@example.org", "role": "user", "language": "de"}),
    ("DELETE", "", None),
    ("POST", "/suspend", {}),
    ("POST", "/restore", None),
    ("POST", "/approve", None),
    ("POST", "/invite", None),
    ("GET", "/sessions", None),
    ("DELETE", "/sessions", None),
    ("POST", "/reset-link", None),
    ("GET", "/files", None),
]
MANAGERS_DEEDS = {
    ("GET", ""),
    ("GET", "/sessions"),
    ("POST", "/suspend"),
    ("POST", "/restore"),
    ("POST", "/approve"),
    ("POST", "/invite"),
}


@pytest.mark.parametrize(("method", "deed", "body"), DEEDS)
async def test_nobody_and_ordinary_people_manage_nobody(
    house: House, method: str, deed: str, body: dict[str, Any] | None
) -> None:
    anna, ben = await house.visitor(), await house.visitor()
    path = f"/admin/users/{anna.id}{deed}"
    anonymous = await house.client().request(method, path, json=body)
    ordinary = await ben.http.request(method, path, json=body)
    assert (anonymous.status_code, anonymous.json()["code"]) == (401, "auth.required")
    assert (ordinary.status_code, ordinary.json()["code"]) == (403, "auth.role_required")
    assert (await state_of(house, anna.id)).version == 1


@pytest.mark.parametrize(("method", "deed", "body"), DEEDS)
async def test_a_manager_does_what_gives_no_way_into_an_account(
    house: House, method: str, deed: str, body: dict[str, Any] | None
) -> None:
    manager, anna = await house.visitor(Role.MANAGER), await house.visitor()
    answer = await manager.http.request(method, f"/admin/users/{anna.id}{deed}", json=body)
    if (method, deed) in MANAGERS_DEEDS:
        assert answer.status_code in {200, 409}, answer.text
    else:
        assert answer.status_code == 403, answer.text
        assert (await state_of(house, anna.id)).version == 1


@pytest.mark.parametrize(("method", "deed", "body"), DEEDS)
@pytest.mark.parametrize("hidden", [Role.ADMIN, Role.MANAGER])
async def test_whom_a_manager_may_not_see_does_not_exist_for_them(
    house: House, method: str, deed: str, body: dict[str, Any] | None, hidden: Role
) -> None:
    if deed == "/files":
        return
    manager, subject = await house.visitor(Role.MANAGER), await house.visitor(hidden)
    found = await manager.http.request(method, f"/admin/users/{subject.id}{deed}", json=body)
    missing = await manager.http.request(method, f"{MISSING}{deed}", json=body)
    assert (found.status_code, found.json()["code"]) == (404, "people.not_found")
    assert without_request(found.json()) == without_request(missing.json())
    assert (await state_of(house, subject.id)).version == 1


def without_request(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != "request_id"}


async def test_a_manager_never_finds_those_above_and_beside_them(house: House) -> None:
    manager = await house.visitor(Role.MANAGER, name="Manager")
    await house.person(Role.ADMIN, name="Admin")
    await house.person(Role.MANAGER, name="Other manager")
    await house.person(name="User")
    page = (await manager.get("/admin/users")).json()
    assert ([each["name"] for each in page["items"]], page["total"]) == (["User"], 1)
    for params in ({"role": "admin"}, {"search": "Admin"}, {"role": "manager"}):
        assert (await manager.get("/admin/users", params=params)).json()["total"] == 0


@pytest.mark.parametrize("path", ["/admin/stats", "/admin/audit", "/admin/audit.csv", "/admin/configuration"])
async def test_the_rest_of_administration_is_not_a_managers(house: House, path: str) -> None:
    manager = await house.visitor(Role.MANAGER)
    answer = await manager.get(path)
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.role_required")


async def test_an_administrator_finds_no_missing_person(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    for method, deed, body in DEEDS:
        if deed == "/files":
            continue
        answer = await admin.http.request(method, f"{MISSING}{deed}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "people.not_found"), (method, deed)


async def test_a_person_made_with_a_password_signs_in_with_it(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    body = {"email": "Neu@Example.org", "name": "Neue Person", "role": "manager", "password": "a quiet brown river"}
    made = await admin.post("/admin/users", json=body)
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    found = made.json()
    assert (found["state"], found["role"], found["sign_in"]) == ("active", "manager", ["password"])
    signed_in = await house.client().post(
        "/auth/login", json={"email": "neu@example.org", "password": "a quiet brown river"}
    )
    assert signed_in.status_code == 200
    assert await actions_about(house, UserId(found["id"])) == ["person.created", "sign_in.succeeded"]


async def test_an_invited_person_gets_a_mail_and_chooses_their_own_password(house: House) -> None:
    manager = await house.visitor(Role.MANAGER)
    body = {"email": "gast@example.org", "name": "Gast", "invite": True, "language": "de"}
    made = (await manager.post("/admin/users", json=body)).json()
    assert (made["state"], made["role"], made["language"]) == ("invited", "user", "de")
    assert len(await mails_to(house, "gast@example.org")) == 1
    # No mail server is set here, so the link is handed over.
    token = made["invite_url"].rsplit("/", 1)[1]
    accepted = await house.client().post(
        f"/auth/invite/{token}", json={"name": "Gast Selbst", "password": "a quiet brown river", "language": "de"}
    )
    assert accepted.status_code == 200
    assert (await manager.get(f"/admin/users/{made['id']}")).json()["state"] == "active"
    again = await manager.post(f"/admin/users/{made['id']}/invite")
    assert (again.status_code, again.json()["code"]) == (409, "people.not_invited")


async def test_a_second_invitation_makes_the_first_worthless(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    made = (await admin.post("/admin/users", json={"email": "g@example.org", "name": "G", "invite": True})).json()
    again = (await admin.post(f"/admin/users/{made['id']}/invite")).json()
    first, second = (each["invite_url"].rsplit("/", 1)[1] for each in (made, again))
    assert (await house.client().get(f"/auth/invite/{first}")).status_code == 400
    assert (await house.client().get(f"/auth/invite/{second}")).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"email": "x@example.org", "name": "X", "invite": True, "role": "manager"}, 403),
        ({"email": "x@example.org", "name": "X", "invite": True, "role": "admin"}, 403),
        ({"email": "x@example.org", "name": "X", "password": "a quiet brown river"}, 403),
    ],
)
async def test_a_manager_only_invites_and_only_users(house: House, body: dict[str, Any], status: int) -> None:
    manager = await house.visitor(Role.MANAGER)
    assert (await manager.post("/admin/users", json=body)).status_code == status


@pytest.mark.parametrize(
    "body",
    [
        {"email": "x@example.org", "name": "X"},
        {"email": "x@example.org", "name": "X", "invite": True, "password": "a quiet brown river"},
        {"email": "x", "name": "X", "invite": True},
        {"email": "x@example.org", "name": " ", "invite": True},
        {"email": "x@example.org", "name": "X\u202e", "invite": True},
        {"email": "x@example.org", "name": "X", "password": "short"},
        {"email": "x@example.org", "name": "X", "invite": True, "state": "active"},
        {"email": "x@example.org", "name": "X", "invite": True, "id": str(uuid4())},
        {"email": "x@example.org", "name": "X", "invite": True, "email_verified": True},
    ],
)
async def test_what_makes_no_person_is_refused(house: House, body: dict[str, Any]) -> None:
    admin = await house.visitor(Role.ADMIN)
    answer = await admin.post("/admin/users", json=body)
    assert answer.status_code == 422, answer.text


async def test_an_address_is_taken_in_every_spelling(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    await house.person(email="Anna@Example.org")
    for email in ("anna@example.org", "ANNA@EXAMPLE.ORG"):
        answer = await admin.post("/admin/users", json={"email": email, "name": "X", "invite": True})
        assert (answer.status_code, answer.json()["code"]) == (409, "people.email_taken")


async def test_the_same_key_makes_one_person(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    body = {"email": "once@example.org", "name": "Once", "invite": True}
    answers = [await admin.post("/admin/users", json=body, headers={"Idempotency-Key": "k1"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert len(await mails_to(house, "once@example.org")) == 1


async def test_approving_lets_a_waiting_person_in(house: House) -> None:
    manager = await house.visitor(Role.MANAGER)
    waiting = await house.person(state="waiting", email="w@example.org")
    answer = await manager.post(f"/admin/users/{waiting}/approve")
    assert (answer.status_code, answer.json()["state"]) == (200, "active")
    await manager.post(f"/admin/users/{waiting}/approve")
    assert len(await mails_to(house, "w@example.org")) == 1
    assert await actions_about(house, waiting) == ["person.approved"]


async def test_fields_are_changed_and_the_version_counts(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.person(name="Anna")
    path = f"/admin/users/{anna}"
    first = await admin.patch(path, json={"name": "Anne", "language": "de"}, headers={"If-Match": '"1"'})
    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    assert (first.json()["name"], first.json()["language"]) == ("Anne", "de")
    stale = await admin.patch(path, json={"name": "Zoe"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["current"]) == (412, 2)
    nothing = await admin.patch(path, json={"name": "Anne"})
    assert nothing.json()["version"] == 2


async def test_putting_sets_everything(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.person(name="Anna", email="a@example.org")
    await admin.patch(f"/admin/users/{anna}", json={"quota_bytes": 5})
    body = {"name": "Anne", "email": "anne@example.org", "role": "manager", "language": "de"}
    found = (await admin.put(f"/admin/users/{anna}", json=body)).json()
    assert {key: found[key] for key in body} == body
    assert found["quota_bytes"] is None
    assert (await admin.put(f"/admin/users/{anna}", json={"name": "Anne"})).status_code == 422


@pytest.mark.parametrize(
    "extra",
    [
        {"id": str(uuid4())},
        {"state": "active"},
        {"version": 9},
        {"email_verified": True},
        {"used_bytes": 0},
        {"sign_in": ["password"]},
        {"is_admin": True},
        {"owner_id": str(uuid4())},
    ],
)
async def test_what_cannot_be_set_is_refused(house: House, extra: dict[str, Any]) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.person(state="suspended")
    answer = await admin.patch(f"/admin/users/{anna}", json={"name": "Anne", **extra})
    assert answer.status_code == 422
    assert (await state_of(house, anna)).name == "Anna Muster"


@pytest.mark.parametrize("path", ["/auth/me", "/settings"])
async def test_nobody_raises_themselves_by_their_own_routes(house: House, path: str) -> None:
    anna = await house.visitor()
    before = (await anna.get("/auth/me")).json()
    for field in ("role", "state", "is_admin", "email_verified", "quota_bytes", "version", "workspace_id"):
        answer = await anna.patch(path, json={field: "admin"})
        assert answer.status_code in {200, 422}
    after = (await anna.get("/auth/me")).json()
    assert [before[key] for key in ("role", "state", "email_verified")] == [
        after[key] for key in ("role", "state", "email_verified")
    ]
    assert (await anna.get("/admin/users")).status_code == 403


async def test_a_new_address_proves_itself_and_the_old_one_is_told(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.person(email="old@example.org")
    found = (await admin.patch(f"/admin/users/{anna}", json={"email": "new@example.org"})).json()
    assert (found["email"], found["email_verified"]) == ("new@example.org", False)
    assert [len(await mails_to(house, each)) for each in ("old@example.org", "new@example.org")] == [1, 1]
    await house.person(email="taken@example.org")
    answer = await admin.patch(f"/admin/users/{anna}", json={"email": "TAKEN@example.org"})
    assert (answer.status_code, answer.json()["code"]) == (409, "people.email_taken")


async def test_the_same_mailbox_written_otherwise_needs_no_new_proof(house: House) -> None:
    admin, account = await house.visitor(Role.ADMIN), await make_account(house, email="anna@example.org")
    found = (await admin.patch(f"/admin/users/{account.id}", json={"email": "Anna@Example.org"})).json()
    assert (found["email"], found["email_verified"]) == ("Anna@Example.org", True)
    assert await mails_to(house, "anna@example.org") == []


async def test_an_address_is_not_taken_away(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.person(email="anna@example.org")
    body = {"name": "Anna", "email": None, "role": "user", "language": "de"}
    answer = await admin.put(f"/admin/users/{anna}", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "email")
    assert (await state_of(house, anna)).email == "anna@example.org"


async def test_a_quota_is_given_and_taken_back(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.person()
    given = await admin.patch(f"/admin/users/{anna}", json={"quota_bytes": 1000})
    assert given.json()["quota_bytes"] == 1000
    kept = await admin.patch(f"/admin/users/{anna}", json={"name": "Kept"})
    assert kept.json()["quota_bytes"] == 1000
    taken = await admin.patch(f"/admin/users/{anna}", json={"quota_bytes": None})
    assert taken.json()["quota_bytes"] is None
    assert (await admin.patch(f"/admin/users/{anna}", json={"quota_bytes": -1})).status_code == 422


async def test_the_record_says_what_was_changed_and_repeats_no_name_and_no_address(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.person(name="Anna", email="anna@example.org")
    body = {"name": "Hidden Name", "email": "hidden@example.org", "language": "de", "quota_bytes": 7, "role": "manager"}
    await admin.patch(f"/admin/users/{anna}", json=body)
    async with house.database.system("test") as unit:
        rows = await unit.execute(
            text("SELECT action, details::text AS details FROM audit_line WHERE subject_id = :id ORDER BY id"),
            {"id": str(anna)},
        )
        lines = [(row.action, row.details) for row in rows]
    assert [action for action, _ in lines] == ["person.changed", "person.changed"]
    whole = " ".join(details for _, details in lines)
    assert "idden" not in whole
    assert all(word in whole for word in ("name", "email", "quota_bytes", "manager"))


async def test_a_demoted_administrator_is_none_at_the_next_request(house: House) -> None:
    admin, other = await house.visitor(Role.ADMIN), await house.visitor(Role.ADMIN)
    assert (await other.get("/admin/stats")).status_code == 200
    await admin.patch(f"/admin/users/{other.id}", json={"role": "user"})
    assert (await other.get("/admin/stats")).status_code == 403
    assert (await other.get("/desk")).status_code == 200
    assert len(await house.events_of(other.id, "people.changed")) == 1


async def test_full_access_goes_with_the_role_and_does_not_come_back_with_it(house: House) -> None:
    admin, other = await house.visitor(Role.ADMIN), await house.visitor(Role.ADMIN)
    await other.post("/admin/full-access", json={"reason": "Looking for a lost file", "minutes": 60})
    for role in ("user", "admin"):
        await admin.patch(f"/admin/users/{other.id}", json={"role": role})
    assert (await other.get("/admin/full-access")).json() is None


async def test_a_suspended_person_is_out_at_once_and_knocks_in_vain(house: House) -> None:
    manager, anna = await house.visitor(Role.MANAGER), await house.visitor()
    answer = await manager.post(f"/admin/users/{anna.id}/suspend", json={"reason": "Owes a book"})
    assert (answer.json()["state"], answer.json()["suspended_reason"]) == ("suspended", "Owes a book")
    assert answer.json()["sessions"] == 0
    assert (await anna.get("/desk")).status_code == 401
    assert [each["reason"] for each in await house.events_of(anna.id, "session.ended")] == ["suspended"]
    restored = await manager.post(f"/admin/users/{anna.id}/restore")
    assert (restored.json()["state"], restored.json()["suspended_reason"]) == ("active", None)
    assert (await anna.get("/desk")).status_code == 401
    assert (await (await house.sign_in(anna.id)).get("/desk")).status_code == 200


async def test_every_key_of_a_suspended_person_is_dead(house: House) -> None:
    admin, account = await house.visitor(Role.ADMIN), await make_account(house)
    browser = await signed_in_browser(house, account)
    body = {"name": "key", "scopes": ["account:read"], "expires_in_days": 1}
    token = (await browser.post("/auth/tokens", json=body)).json()["token"]
    tokens = await tokens_for(house, account)
    keys = [house.client(headers=bearer(key)) for key in (token, tokens["access_token"])]
    assert [(await key.get("/desk")).status_code for key in keys] == [200, 200]
    await admin.post(f"/admin/users/{account.id}/suspend")
    assert [(await key.get("/desk")).status_code for key in keys] == [401, 401]
    assert (await browser.get("/desk")).status_code == 401
    refreshed = await house.client().post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert refreshed.status_code == 401


@pytest.mark.parametrize("name", ["\0", "a\ud800b", "x" * 121])
async def test_a_cursor_with_what_no_column_holds_is_refused(house: House, name: str) -> None:
    admin = await house.visitor(Role.ADMIN)
    raw = json.dumps(["name", name, str(admin.id)]).encode()
    cursor = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    answer = await admin.get("/admin/users", params={"cursor": cursor})
    assert answer.status_code in ({200} if len(name) > 100 else {422}), answer.text


async def test_whoever_manages_people_sees_where_somebody_is_signed_in_but_not_from_which_address(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.visitor()
    second = await house.sign_in(anna.id)
    found = (await admin.get(f"/admin/users/{anna.id}/sessions")).json()["items"]
    assert len(found) == 2
    assert {frozenset(each) for each in found} == {frozenset({"id", "kind", "client", "created_at", "last_seen_at"})}
    assert [each["last_seen_at"] for each in found] == sorted([each["last_seen_at"] for each in found], reverse=True)
    await second.delete("/auth/sessions")
    found = (await admin.get(f"/admin/users/{anna.id}/sessions")).json()["items"]
    mine = (await second.get("/auth/sessions")).json()["items"]
    assert [each["id"] for each in found] == [each["id"] for each in mine]


async def test_ending_sessions_signs_every_device_out(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.visitor()
    second = await house.sign_in(anna.id)
    answer = await admin.delete(f"/admin/users/{anna.id}/sessions")
    assert answer.json() == {"ended": 2}
    assert [(await each.get("/desk")).status_code for each in (anna, second)] == [401, 401]


async def test_a_reset_link_works_once_and_its_making_is_seen_by_the_person(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.visitor(email="anna@example.org")
    url = (await admin.post(f"/admin/users/{anna.id}/reset-link")).json()["url"]
    mine = (await anna.get("/audit/mine")).json()["items"]
    assert (mine[0]["action"], mine[0]["actor"]) == (
        "person.reset_link_made",
        {"id": None, "name": None, "role": "admin"},
    )
    token = url.rsplit("/", 1)[1]
    body = {"token": token, "password": "a quiet brown river"}
    assert (await house.client().post("/auth/reset-password", json=body)).status_code == 204
    assert (await house.client().post("/auth/reset-password", json=body)).status_code == 400


async def test_nobody_suspends_or_deletes_themselves(house: House) -> None:
    admin, _ = await house.visitor(Role.ADMIN), await house.visitor(Role.ADMIN)
    for answer in (
        await admin.post(f"/admin/users/{admin.id}/suspend"),
        await admin.delete(f"/admin/users/{admin.id}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "people.not_to_oneself")
    assert (await state_of(house, admin.id)).state == "active"


async def test_the_last_administrator_stays_one(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    await house.person(Role.ADMIN, state="suspended")
    answer = await admin.patch(f"/admin/users/{admin.id}", json={"name": "Still Root", "role": "user"})
    assert (answer.status_code, answer.json()["code"]) == (409, "people.last_admin")
    found = await state_of(house, admin.id)
    assert (found.role, found.name) == ("admin", "Anna Muster")


async def test_the_other_administrators_hear_of_every_change(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.person()
    await admin.patch(f"/admin/users/{anna}", json={"name": "Anne"})
    async with house.database.unit(admin.actor.as_admin()) as unit:
        told = await unit.scalar(text("SELECT count(*) FROM event WHERE topic = 'admin' AND kind = 'people.changed'"))
    assert told == 1
