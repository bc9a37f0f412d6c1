"""The desk follows a person from device to device, and nobody else sees it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import text

from kontor.accounts.desk import MOST_CLOSED, MOST_TABS, DeskTab
from kontor.core.ids import new_id
from kontor.core.tenancy import Identity, Scope
from tests.factories.house import House


def tab(name: str, path: str = "/c/new", **more: Any) -> dict[str, Any]:
    return {"id": name, "path": path, "title": f"Tab {name}", **more}


async def test_a_new_desk_is_empty_and_has_both_panels(house: House) -> None:
    anna = await house.visitor()
    answer = await anna.get("/desk")
    assert answer.status_code == 200
    assert answer.headers["etag"] == '"0"'
    assert answer.json() == {
        "version": 0,
        "tabs": [],
        "active": None,
        "closed": [],
        "sidebar": {"open": True, "width": 260, "unfolded": []},
        "inspector": {"open": False, "width": 440},
        "split": {"second": None, "share": 50, "front": "main"},
    }


async def test_what_one_device_saves_another_finds(house: House) -> None:
    anna = await house.visitor()
    wanted = {
        "tabs": [tab("a", "/c/1?m=2#end", icon="message", state="unread"), tab("b", "/p")],
        "active": "b",
        "closed": [tab("a", "/search")],
        "sidebar": {"open": False, "width": 300, "unfolded": [str(new_id())]},
        "inspector": {"open": True, "width": 500},
        "split": {"second": "a", "share": 62, "front": "second"},
    }
    saved = await anna.put("/desk", json=wanted)
    assert (saved.status_code, saved.headers["etag"]) == (200, '"1"')
    elsewhere = await house.sign_in(anna.id)
    found = (await elsewhere.get("/desk")).json()
    assert found == {
        **wanted,
        "version": 1,
        "tabs": [wanted["tabs"][0], {**tab("b", "/p"), "icon": None, "state": None}],  # type: ignore[index]
        "closed": [{**tab("a", "/search"), "icon": None, "state": None}],
    }


async def test_a_desk_from_before_the_split_view_has_one_sheet(house: House) -> None:
    anna = await house.visitor()
    await anna.put("/desk", json={"tabs": [tab("a")], "active": "a"})
    async with house.database.unit(Identity(Scope.PERSON, anna.id)) as unit:
        await unit.execute(text("UPDATE desk SET layout = layout - 'split'"))
    assert (await anna.get("/desk")).json()["split"] == {"second": None, "share": 50, "front": "main"}


async def test_of_two_devices_that_saw_the_same_desk_one_is_told(house: House) -> None:
    anna = await house.visitor()
    first = await anna.put("/desk", json={"tabs": [tab("a")]}, headers={"If-Match": '"0"'})
    second = await anna.put("/desk", json={"tabs": [tab("b")]}, headers={"If-Match": '"0"'})
    third = await anna.put("/desk", json={"tabs": [tab("c")]}, headers={"If-Match": '"1"'})
    fourth = await anna.put("/desk", json={"tabs": [tab("d")]}, headers={"If-Match": '"1"'})
    assert [first.status_code, second.status_code, third.status_code, fourth.status_code] == [200, 412, 200, 412]
    assert (second.json()["code"], second.json()["current"], fourth.json()["current"]) == ("http.stale", 1, 2)
    assert [each["id"] for each in (await anna.get("/desk")).json()["tabs"]] == ["c"]


async def test_a_version_that_never_was_is_refused_on_an_empty_desk(house: House) -> None:
    anna = await house.visitor()
    answer = await anna.put("/desk", json={"tabs": []}, headers={"If-Match": '"7"'})
    assert (answer.status_code, answer.json()["current"]) == (412, 0)


async def test_the_other_devices_hear_of_it_and_the_writer_knows_its_own(house: House) -> None:
    anna = await house.visitor()
    await anna.put("/desk", json={"tabs": []}, headers={"X-Kontor-Client": "window-1"})
    assert await house.events_of(anna.id, "desk.changed") == [{"version": 1, "client": "window-1"}]
    odd = await anna.put("/desk", json={"tabs": []}, headers={"X-Kontor-Client": "<script>"})
    assert (odd.status_code, odd.json()["errors"][0]["field"]) == (422, "X-Kontor-Client")


async def test_a_desk_is_nobody_elses_not_even_an_administrators(house: House) -> None:
    anna, ben = await house.visitor(), await house.visitor()
    await anna.put("/desk", json={"tabs": [tab("a")]})
    assert (await ben.get("/desk")).json()["tabs"] == []
    for scope in (Scope.ADMIN, Scope.FULL, Scope.SYSTEM):
        async with house.database.unit(Identity(scope, ben.id)) as unit:
            assert await unit.scalar(text("SELECT count(*) FROM desk")) == 0, scope


@pytest.mark.parametrize(
    "change",
    [
        {"tabs": [tab(str(number)) for number in range(MOST_TABS + 1)]},
        {"tabs": [], "closed": [tab("a")] * (MOST_CLOSED + 1)},
        {"tabs": [tab("a"), tab("a")]},
        {"tabs": [tab("a")], "active": "b"},
        {"tabs": [tab("a b")]},
        {"tabs": [{**tab("a"), "title": "x" * 301}]},
        {"tabs": [{**tab("a"), "title": "nul\u0000"}]},
        {"tabs": [{**tab("a"), "title": "\u202egnp.exe"}]},
        {"tabs": [tab("a", icon="<svg>")]},
        {"tabs": [], "sidebar": {"open": True, "width": 199}},
        {"tabs": [], "inspector": {"open": True, "width": 641}},
        {"tabs": [tab("a")], "split": {"second": "b"}},
        {"tabs": [tab("a")], "active": "a", "split": {"second": "a"}},
        {"tabs": [tab("a")], "split": {"front": "second"}},
        {"tabs": [tab("a")], "split": {"second": "a", "front": "third"}},
        {"tabs": [], "split": {"share": 24}},
        {"tabs": [], "split": {"share": 76}},
        {},
    ],
)
async def test_a_desk_out_of_bounds_is_refused(house: House, change: dict[str, Any]) -> None:
    anna = await house.visitor()
    assert (await anna.put("/desk", json=change)).status_code == 422
    assert (await anna.get("/desk")).json()["version"] == 0


async def test_the_fullest_desk_fits(house: House) -> None:
    anna = await house.visitor()
    fullest = {
        "tabs": [{**tab(f"{number:064}", "/" + "ß" * 999), "title": "✓" * 300} for number in range(MOST_TABS)],
        "closed": [{**tab("c", "/" + "ß" * 999), "title": "✓" * 300}] * MOST_CLOSED,
    }
    assert (await anna.put("/desk", json=fullest)).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil",
        "javascript:alert(1)",
        "c/1",
        "",
        "/api/v1/auth/logout",
        "/API/v1",
        "/ws/events",
        "/c/../api/v1/me",
        "/%2e%2e/api",
        "/c/1\n",
        "/c/\u2028",
        "/\t/evil.example",
    ],
)
def test_a_tab_opens_only_pages_of_ours(path: str) -> None:
    with pytest.raises(ValidationError):
        DeskTab(id="a", path=path, title="x")


@given(st.text(max_size=60))
def test_whatever_is_taken_as_a_path_stays_on_this_origin(path: str) -> None:
    try:
        taken = DeskTab(id="a", path=path, title="x").path
    except ValidationError:
        return
    assert taken.startswith("/")
    assert taken[1:2] not in {"/", "\\"}
    assert all(character.isprintable() or ord(character) > 127 for character in taken)
