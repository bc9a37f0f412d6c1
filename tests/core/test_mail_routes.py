"""The outbox as administrators see it, and as nobody else does."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from pydantic import SecretStr
from sqlalchemy import select, update

from kontor.accounts.personal_tables import AuditLine
from kontor.core.clock import now
from kontor.core.database import Database
from kontor.core.ids import new_id
from kontor.core.mail.messages import Invite, Trial
from kontor.core.mail.tables import Mail, MailState
from kontor.core.settings import Settings
from kontor.core.tenancy import Role
from tests.factories.house import House, Visitor, opened

LINK = "https://kontor.example/login/invite#token=abc"


@pytest.fixture
async def house(database: Database, settings: Settings) -> AsyncIterator[House]:
    async with opened(settings, database) as made:
        yield made


@pytest.fixture
async def boss(house: House) -> Visitor:
    return await house.visitor(Role.ADMIN)


async def queue(house: House, *, to: str = "ada@example.org", state: MailState | None = None) -> UUID:
    async with house.database.system("test") as unit:
        mail_id = await house.kernel.mailer.queue(unit, Invite(link=LINK, days=2), to=to, language="de")
        if state is not None:
            sent_at = now() if state is MailState.SENT else None
            await unit.execute(update(Mail).where(Mail.id == mail_id).values(state=state.value, sent_at=sent_at))
    return mail_id


async def actions(house: House) -> list[str]:
    async with house.database.system("test") as unit:
        return list(await unit.scalars(select(AuditLine.action).order_by(AuditLine.id)))


async def test_administrators_page_through_mails_newest_first(house: House, boss: Visitor) -> None:
    for number in range(5):
        await queue(house, to=f"person{number}@example.org")
    first = (await boss.get("/admin/mail", params={"limit": 3})).json()
    second = (await boss.get("/admin/mail", params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [mail["to"][6] for mail in first["items"] + second["items"]] == ["4", "3", "2", "1", "0"]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("asked", "found"),
    [("queued", {"queued", "sending"}), ("sent", {"sent"}), ("failed", {"failed"}), ("shown", {"shown"})],
)
async def test_mails_are_found_by_their_state(house: House, boss: Visitor, asked: str, found: set[str]) -> None:
    ids = {str(await queue(house, state=state)): state.value for state in MailState}
    items = (await boss.get("/admin/mail", params={"state": asked})).json()["items"]
    assert {ids[mail["id"]] for mail in items} == found
    assert {mail["state"] for mail in items} == {asked}


async def test_the_list_shows_no_link_and_the_mail_itself_does_with_a_line_in_the_record(
    house: House, boss: Visitor
) -> None:
    mail_id = await queue(house)
    assert "token" not in (await boss.get("/admin/mail")).text
    shown = (await boss.get(f"/admin/mail/{mail_id}")).json()
    assert LINK in shown["text"] and LINK in shown["html"]
    assert (shown["state"], shown["language"], shown["template"]) == ("shown", "de", "invite")
    assert await actions(house) == ["mail.read"]


async def test_whoever_the_mail_is_to_finds_out_that_it_was_read(house: House, boss: Visitor) -> None:
    """A link in it may be a key to their account."""
    ada = await house.visitor()
    async with house.database.system("test") as unit:
        wish = Invite(link=LINK, days=2)
        mail_id = await house.kernel.mailer.queue(unit, wish, to="ada@example.org", language="de", owner_id=ada.id)
    await boss.get(f"/admin/mail/{mail_id}")
    lines = (await ada.get("/audit/mine")).json()["items"]
    assert [(line["action"], line["actor"]["id"]) for line in lines] == [("mail.read", None)]


async def test_a_token_that_may_read_is_given_no_key_to_an_account(house: House, boss: Visitor) -> None:
    mail_id = await queue(house)
    made = await boss.post("/auth/tokens", json={"name": "Monitor", "scopes": ["admin:read"]})
    headers = {"Authorization": f"Bearer {made.json()['token']}"}
    shown = await house.client(headers=headers).get(f"/admin/mail/{mail_id}")
    assert shown.status_code == 200
    assert LINK not in shown.text
    assert LINK in (await boss.get(f"/admin/mail/{mail_id}")).json()["text"]


async def test_a_test_mail_is_written_and_recorded(house: House, boss: Visitor) -> None:
    answer = await boss.post("/admin/mail/test", json={"to": "ada@example.org", "language": "de"})
    assert (answer.status_code, answer.json()["state"]) == (202, "shown")
    assert answer.json()["subject"].startswith("Testmail")
    assert await actions(house) == ["mail.tested"]


@pytest.mark.parametrize("to", ["", "nobody", "a@b.example\nBcc: c@d.example", "a@b.example,c@d.example", "x" * 300])
async def test_a_test_mail_goes_to_one_address(boss: Visitor, to: str) -> None:
    answer = await boss.post("/admin/mail/test", json={"to": to})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "to"


async def test_without_a_mail_server_nothing_can_be_repeated(house: House, boss: Visitor) -> None:
    answer = await boss.post(f"/admin/mail/{await queue(house)}/retry")
    assert (answer.status_code, answer.json()["code"]) == (409, "mail.not_configured")


async def test_a_failed_mail_is_queued_again(database: Database, settings: Settings) -> None:
    with_server = settings.model_copy(update={"smtp_url": SecretStr("smtp://127.0.0.1:9")})
    async with opened(with_server, database) as house:
        boss = await house.visitor(Role.ADMIN)
        mail_id = await queue(house, state=MailState.FAILED)
        assert (await boss.post(f"/admin/mail/{mail_id}/retry")).json()["state"] == "queued"
        again = await boss.post(f"/admin/mail/{mail_id}/retry")
        assert (again.status_code, again.json()["code"]) == (409, "mail.not_repeatable")
        assert await actions(house) == ["mail.retried"]


@pytest.mark.parametrize("role", [Role.USER, Role.MANAGER])
async def test_nobody_else_learns_of_any_mail(house: House, role: Role) -> None:
    visitor, mail_id = await house.visitor(role), await queue(house)
    for method, path in (
        ("GET", "/admin/mail"),
        ("GET", f"/admin/mail/{mail_id}"),
        ("POST", "/admin/mail/test"),
        ("POST", f"/admin/mail/{mail_id}/retry"),
    ):
        answer = await visitor.http.request(method, path, json={"to": "a@b.example"} if method == "POST" else None)
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.role_required")
        assert (await house.client().request(method, path)).status_code == 401


async def test_a_mail_that_is_not_there_is_not_found(boss: Visitor) -> None:
    answer = await boss.get(f"/admin/mail/{new_id()}")
    assert (answer.status_code, answer.json()["code"]) == (404, "mail.not_found")


def test_the_trial_is_called_test_on_the_wire() -> None:
    assert Trial(at=now()).template == "test"
