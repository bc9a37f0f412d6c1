"""Settings per person: checked, kept here, and heard of by their other devices."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import text

from kontor.accounts import preferences
from kontor.accounts.currencies import CURRENCIES
from kontor.accounts.keys import Binding
from tests.factories.house import House

DEFAULTS = {
    "version": 0,
    "language": "system",
    "timezone": "UTC",
    "currency": "EUR",
    "theme": "system",
    "text_size": 100,
    "enter_sends": True,
    "reduced_motion": "system",
    "address_form": "sie",
    "notifications": {"approvals": True, "sign_ins": True, "jobs": True, "shares": True},
    "keys": {},
    "default_model": None,
    "favourite_models": [],
}


async def test_settings_begin_with_what_suits_most(house: House) -> None:
    anna = await house.visitor()
    answer = await anna.get("/settings")
    assert (answer.json(), answer.headers["etag"]) == (DEFAULTS, '"0"')


async def test_only_what_is_sent_is_changed(house: House) -> None:
    anna = await house.visitor()
    await anna.patch("/settings", json={"theme": "dark", "timezone": "Europe/Berlin", "text_size": 125})
    answer = await anna.patch("/settings", json={"currency": "CHF", "notifications": {"jobs": False}})
    assert answer.headers["etag"] == '"2"'
    assert answer.json() == DEFAULTS | {
        "version": 2,
        "theme": "dark",
        "timezone": "Europe/Berlin",
        "text_size": 125,
        "currency": "CHF",
        "notifications": {"approvals": True, "sign_ins": True, "jobs": False, "shares": True},
    }
    assert (await (await house.sign_in(anna.id)).get("/settings")).json() == answer.json()


async def test_a_change_that_changes_nothing_is_no_new_version(house: House) -> None:
    anna = await house.visitor()
    await anna.patch("/settings", json={"theme": "dark"})
    answer = await anna.patch("/settings", json={"theme": "dark"})
    assert answer.json()["version"] == 1
    assert len(await house.events_of(anna.id, "settings.changed")) == 1


async def test_of_two_devices_that_saw_the_same_settings_one_is_told(house: House) -> None:
    anna = await house.visitor()
    answers = [
        await anna.patch("/settings", json={"theme": theme}, headers={"If-Match": '"0"'}) for theme in ("dark", "light")
    ]
    assert [answer.status_code for answer in answers] == [200, 412]
    assert answers[1].json()["current"] == 1


async def test_the_event_names_the_window_that_wrote(house: House) -> None:
    anna = await house.visitor()
    await anna.patch("/settings", json={"theme": "dark"}, headers={"X-Kontor-Client": "w1"})
    assert await house.events_of(anna.id, "settings.changed") == [{"version": 1, "client": "w1"}]


async def test_bindings_are_replaced_as_a_whole(house: House) -> None:
    anna = await house.visitor()
    await anna.patch("/settings", json={"keys": {"palette.open": "Mod+K", "tabs.close": ""}})
    answer = await anna.patch("/settings", json={"keys": {"tabs.new": "App+N"}})
    assert answer.json()["keys"] == {"tabs.new": "App+N"}


async def test_mails_follow_the_language_that_was_chosen(house: House) -> None:
    anna = await house.visitor()
    for language, written in (("de", "de"), ("system", "de"), ("en", "en")):
        await anna.patch("/settings", json={"language": language})
        async with house.database.system("test") as unit:
            found = await unit.scalar(text("SELECT language FROM person WHERE id = :id"), {"id": anna.id})
        assert found == written


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"language": "fr"}, "language"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"currency": "XXX"}, "currency"),
        ({"currency": "eur"}, "currency"),
        ({"theme": "solarized"}, "theme"),
        ({"text_size": 105}, "text_size"),
        ({"address_form": "ihr"}, "address_form"),
        ({"keys": {"palette.open": "Ctrl+Alt+K"}}, "keys"),
        ({"keys": {"<script>": "K"}}, "keys"),
        ({"keys": {f"action{number}": "K" for number in range(201)}}, "keys"),
        ({"notifications": {"full_access": False}}, "notifications.full_access"),
        ({"role": "admin"}, "role"),
        ({"version": 99}, "version"),
        ({"default_model": "gpt-5"}, "default_model"),  # the gateway takes it, because it knows which there are
        ({"owner_id": "00000000-0000-0000-0000-000000000000"}, "owner_id"),
    ],
)
async def test_what_is_no_setting_is_refused_by_name(house: House, change: dict[str, Any], field: str) -> None:
    anna = await house.visitor()
    answer = await anna.patch("/settings", json=change)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith(field)
    assert (await anna.get("/settings")).json() == DEFAULTS


async def test_settings_are_ones_own(house: House) -> None:
    anna, ben = await house.visitor(), await house.visitor()
    await anna.patch("/settings", json={"theme": "dark"})
    assert (await ben.get("/settings")).json()["theme"] == "system"


async def test_the_page_is_told_its_colours_by_one_small_read(house: House) -> None:
    anna = await house.visitor()
    async with house.database.unit(anna.actor) as unit:
        assert (await preferences.appearance(unit, anna.id)).theme == "system"
    await anna.patch("/settings", json={"theme": "dark", "language": "de", "text_size": 110})
    async with house.database.unit(anna.actor) as unit:
        found = await preferences.appearance(unit, anna.id)
    assert (found.language, found.theme, found.text_size) == ("de", "dark", 110)


def test_the_currencies_are_codes_of_three_letters() -> None:
    assert all(len(code) == 3 and code.isupper() for code in CURRENCIES)
    assert {"EUR", "USD", "CHF", "GBP"} <= CURRENCIES


BINDING = TypeAdapter(Binding)


@pytest.mark.parametrize(
    "binding", ["", "K", "?", "/", "+", "Mod+K", "Mod+,", "Mod++", "App+Shift+W", "G C", "Shift+Enter", "F2"]
)
def test_keys_that_can_be_pressed_are_taken(binding: str) -> None:
    assert BINDING.validate_python(binding) == binding


@pytest.mark.parametrize(
    "binding",
    ["Ctrl+Alt+K", "Mod", "Mod+Mod+K", "Hyper+K", "[", "Mod+|", "G G G G", "KK", "Mod+ ", " ", "\n", "x" * 61],
)
def test_keys_that_cannot_be_pressed_everywhere_are_refused(binding: str) -> None:
    with pytest.raises(ValidationError):
        BINDING.validate_python(binding)


@given(st.text(max_size=70))
def test_whatever_is_taken_as_a_binding_is_short_and_printable(binding: str) -> None:
    try:
        taken = BINDING.validate_python(binding)
    except ValidationError:
        return
    assert len(taken) <= 60
    assert taken.isprintable()
