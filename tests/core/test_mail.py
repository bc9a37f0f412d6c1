"""Mail: what is written, that it leaves once and with its transaction, and what a server may do to us."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from uuid import UUID

import pytest
import structlog
import trustme
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import select, text, update

from kontor.core.clock import clock, now
from kontor.core.database import Database
from kontor.core.errors import FieldProblem
from kontor.core.ids import UserId, new_id
from kontor.core.mail.compose import clean_address, compose
from kontor.core.mail.messages import (
    AlreadyRegistered,
    AnyMessage,
    Approved,
    EmailChanged,
    Invite,
    Language,
    NewSignIn,
    PasswordChanged,
    Reset,
    Shared,
    Trial,
    Verify,
    Waiting,
)
from kontor.core.mail.ports import Envelope, MailServerAway, MailUnclear
from kontor.core.mail.service import Mailer, MailNotRepeatable, counts
from kontor.core.mail.smtp import SmtpCarrier, SmtpServer
from kontor.core.mail.tables import Mail, MailState
from kontor.core.mail.templates import greetable, render
from kontor.core.secrets import Secrets
from kontor.core.settings import Settings
from kontor.core.tenancy import Identity, Scope
from tests.wire.smtp import PASSWORD, USER, PostOffice, smtp_server

AT = datetime(2026, 11, 21, 9, 5, tzinfo=UTC)
LINK = "https://kontor.example/login/reset#token=abc&x=1"
MESSAGES: list[AnyMessage] = [
    Verify(name="Ada", link=LINK, hours=24),
    Reset(name="Ada", link=LINK, minutes=30),
    Invite(name="Ada", link=LINK, days=1),
    Approved(name="Ada", link=LINK),
    Waiting(applicant_name="Ada <b>", applicant_email="ada@example.org", link=LINK),
    AlreadyRegistered(link=LINK),
    PasswordChanged(name="Ada", at=AT, link=LINK),
    NewSignIn(name="Ada", at=AT, client="Firefox, Linux", address="192.0.2.7", link=LINK),
    EmailChanged(name="Ada", at=AT, new_email="new@example.org", link=LINK),
    Shared(name="Ada", sort="folder", thing="Tax <b>", by="Ben", days=30, link=LINK),
    Trial(at=AT),
]
BOTH: list[Language] = ["de", "en"]


@pytest.mark.parametrize("language", BOTH)
@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.template)
def test_every_mail_exists_in_both_languages_and_shows_its_link_in_text_and_html(
    message: AnyMessage, language: Language
) -> None:
    rendered = render(message, language)
    assert rendered.subject and "\n" not in rendered.subject
    assert ("Guten Tag" if language == "de" else "Hello") in rendered.text
    if not isinstance(message, Trial):
        assert f"\n{LINK}\n" in rendered.text
        assert f'href="{LINK.replace("&", "&amp;")}"' in rendered.html
    assert "<b>" not in rendered.html
    assert f'<html lang="{language}">' in rendered.html


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.template)
def test_no_mail_loads_anything_from_anywhere(message: AnyMessage) -> None:
    html = render(message, "en").html
    for word in ("<img", "<script", "<link", "<style", "url(", "src="):
        assert word not in html


def test_dates_are_written_as_in_the_language() -> None:
    assert "21.11.2026 um 09:05 Uhr" in render(PasswordChanged(at=AT, link=LINK), "de").text
    assert "21 November 2026 at 09:05 UTC" in render(PasswordChanged(at=AT, link=LINK), "en").text


@pytest.mark.parametrize(
    "name", ["Visit http://evil.example", "www.evil.example", "a" * 61, "you@evil.example", "<b>x"]
)
def test_a_name_that_advertises_is_not_greeted(name: str) -> None:
    assert greetable(name) is None
    assert "evil" not in render(Verify(name=name, link=LINK, hours=1), "en").text


def test_ordinary_names_are_greeted() -> None:
    for name in ("Ada Lovelace", "Jürgen Müller-Lüdenscheidt", "Dr. O’Neill", "李小龍"):
        assert name in render(Verify(name=name, link=LINK, hours=1), "de").text


@given(st.text(max_size=200), st.sampled_from(BOTH))
def test_nothing_that_somebody_writes_becomes_a_header(written: str, language: Language) -> None:
    message = Waiting(site=written, applicant_name=written, applicant_email=written, link=LINK)
    rendered = render(message, language)
    made = compose(
        rendered,
        mail_from="Kontor <kontor@example.org>",
        to="ada@example.org",
        message_id="<1@example.org>",
        at=AT,
        language=language,
    )
    head = bytes(made).split(b"\r\n\r\n", 1)[0]
    names = {line.split(b":")[0].lower() for line in head.split(b"\r\n") if line[:1] not in {b" ", b"\t"}}
    assert names <= {
        b"from", b"to", b"subject", b"date", b"message-id", b"content-language", b"auto-submitted",
        b"x-auto-response-suppress", b"mime-version", b"content-type",
    }  # fmt: skip


@pytest.mark.parametrize(
    "address",
    [
        "", "ada", "ada@", "@example.org", "ada@example.org, eve@example.org", "Ada <ada@example.org>",
        "ada@example.org\nBcc: eve@example.org", "ada@exa\rmple.org", "a da@example.org", "x" * 250 + "@example.org",
        "ada@[127.0.0.1]", "ada\x00@example.org", "ada@example..org",
    ],
)  # fmt: skip
def test_what_is_not_one_address_is_refused(address: str) -> None:
    with pytest.raises(FieldProblem):
        clean_address(address)


def test_domains_beyond_ascii_are_written_as_the_wire_wants_them() -> None:
    assert clean_address("ada@müller.example") == "ada@xn--mller-kva.example"


class Outbox:
    """A mailer with a real server behind it, and what the server got."""

    def __init__(self, mailer: Mailer, database: Database, office: PostOffice) -> None:
        self.mailer = mailer
        self.database = database
        self.office = office

    async def queue(self, message: AnyMessage | None = None, *, to: str = "ada@example.org") -> UUID:
        async with self.database.system("test") as unit:
            return await self.mailer.queue(unit, message or Reset(link=LINK, minutes=30), to=to, language="en")

    async def row(self, mail_id: UUID) -> Mail:
        async with self.database.system("test") as unit:
            found = await unit.scalar(select(Mail).where(Mail.id == mail_id))
            assert found is not None
            return found


def settings_with(settings: Settings, port: int, **more: object) -> Settings:
    return settings.model_copy(
        update={"smtp_url": SecretStr(f"smtp://127.0.0.1:{port}"), "mail_from": "Kontor <kontor@example.org>", **more}
    )


@pytest.fixture
def office() -> PostOffice:
    return PostOffice()


@pytest.fixture
async def outbox(database: Database, settings: Settings, office: PostOffice) -> AsyncIterator[Outbox]:
    with smtp_server(office) as port:
        carrier = SmtpCarrier(SmtpServer.parse(f"smtp://127.0.0.1:{port}"), step_seconds=1, total_seconds=3)
        yield Outbox(Mailer(settings_with(settings, port), Secrets.load(settings), database, carrier), database, office)


async def test_a_mail_leaves_with_both_parts_and_the_row_says_so(outbox: Outbox) -> None:
    mail_id = await outbox.queue()
    await outbox.mailer.send(mail_id)
    (mail,) = outbox.office.mails
    assert mail["To"] == "ada@example.org"
    assert mail["From"] == "Kontor <kontor@example.org>"
    assert str(mail_id) in mail["Message-ID"]
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    body = mail.get_body(("plain",))
    assert isinstance(body, EmailMessage) and LINK in body.get_content()
    row = await outbox.row(mail_id)
    assert (row.state, row.attempts, row.error) == (MailState.SENT, 1, None)


async def test_a_job_that_comes_twice_sends_one_mail(outbox: Outbox) -> None:
    mail_id = await outbox.queue()
    await outbox.mailer.send(mail_id)
    await outbox.mailer.send(mail_id)
    assert len(outbox.office.mails) == 1


async def test_once_it_is_delivered_we_no_longer_know_the_link(outbox: Outbox) -> None:
    mail_id = await outbox.queue()
    async with outbox.database.system("test") as unit:
        sealed = await unit.scalar(select(Mail.sealed).where(Mail.id == mail_id))
    assert sealed is not None and b"token" not in sealed
    await outbox.mailer.send(mail_id)
    async with outbox.database.system("test") as unit:
        _, rendered = await outbox.mailer.find(unit, mail_id)
    assert "token" not in rendered.text and "token" not in rendered.html


async def test_two_rows_cannot_exchange_their_contents(outbox: Outbox) -> None:
    first, second = await outbox.queue(), await outbox.queue(to="eve@example.org")
    async with outbox.database.system("test") as unit:
        stolen = await unit.scalar(select(Mail.sealed).where(Mail.id == first))
        await unit.execute(update(Mail).where(Mail.id == second).values(sealed=stolen))
    with pytest.raises(Exception, match="master key"):
        await outbox.mailer.send(second)
    assert outbox.office.mails == []


@pytest.mark.parametrize(("answer", "state"), [("550 No such user", "failed"), ("451 Come back later", "queued")])
async def test_no_for_good_ends_it_and_later_means_later(outbox: Outbox, answer: str, state: str) -> None:
    outbox.office.refuse_recipient = answer
    mail_id = await outbox.queue()
    if state == "queued":
        with pytest.raises(MailServerAway):
            await outbox.mailer.send(mail_id)
    else:
        await outbox.mailer.send(mail_id)
    row = await outbox.row(mail_id)
    assert row.state == state
    assert row.error is not None and answer in row.error.replace("answered ", "").replace(": ", " ")
    outbox.office.refuse_recipient = None
    if state == "queued":
        await outbox.mailer.send(mail_id)
        assert len(outbox.office.mails) == 1


async def test_a_mail_refused_after_its_text_was_not_taken(outbox: Outbox) -> None:
    outbox.office.refuse_mail = "554 Spam"
    mail_id = await outbox.queue()
    await outbox.mailer.send(mail_id)
    assert (await outbox.row(mail_id)).state == MailState.FAILED


async def test_the_last_try_leaves_a_failed_mail_and_no_error(outbox: Outbox) -> None:
    outbox.office.refuse_recipient = "451 Later"
    mail_id = await outbox.queue()
    await outbox.mailer.send(mail_id, is_last_try=True)
    assert (await outbox.row(mail_id)).state == MailState.FAILED


async def test_a_server_that_falls_silent_after_taking_the_mail_gets_it_only_once(outbox: Outbox) -> None:
    outbox.office.hang_up_after_data = True
    mail_id = await outbox.queue()
    await outbox.mailer.send(mail_id)
    await outbox.mailer.send(mail_id)
    row = await outbox.row(mail_id)
    assert len(outbox.office.mails) == 1
    assert (row.state, row.error_code) == (MailState.FAILED, MailUnclear.code)


@pytest.mark.parametrize("was_handing_over", [False, True])
async def test_a_worker_killed_while_sending_doubles_nothing(outbox: Outbox, *, was_handing_over: bool) -> None:
    mail_id = await outbox.queue()
    mark = {"state": MailState.SENDING, "attempted_at": now(), "handed_at": now() if was_handing_over else None}
    async with outbox.database.system("test") as unit:
        await unit.execute(update(Mail).where(Mail.id == mail_id).values(mark))
    with pytest.raises(MailServerAway):
        await outbox.mailer.send(mail_id)  # perhaps the other worker lives
    clock.advance(timedelta(minutes=4))
    await outbox.mailer.send(mail_id)
    row = await outbox.row(mail_id)
    expected = (MailState.FAILED, 0) if was_handing_over else (MailState.SENT, 1)
    assert (row.state, len(outbox.office.mails)) == expected


async def test_a_slow_server_is_given_up_in_time(outbox: Outbox) -> None:
    outbox.office.greet_slowly_seconds = 10
    mail_id = await outbox.queue()
    began = asyncio.get_running_loop().time()
    with pytest.raises(MailServerAway):
        await outbox.mailer.send(mail_id)
    assert asyncio.get_running_loop().time() - began < 6
    assert (await outbox.row(mail_id)).state == MailState.QUEUED


async def test_a_server_that_is_not_there_is_away(database: Database, settings: Settings) -> None:
    carrier = SmtpCarrier(SmtpServer.parse("smtp://127.0.0.1:9"), step_seconds=1, total_seconds=3)
    outbox = Outbox(Mailer(settings, Secrets.load(settings), database, carrier), database, PostOffice())
    mail_id = await outbox.queue()
    with pytest.raises(MailServerAway):
        await outbox.mailer.send(mail_id)


async def test_a_mail_of_a_rolled_back_transaction_never_was(outbox: Outbox) -> None:
    with pytest.raises(LookupError):
        async with outbox.database.system("test") as unit:
            await outbox.mailer.queue(unit, Trial(at=AT), to="ada@example.org", language="en")
            raise LookupError
    async with outbox.database.system("test") as unit:
        assert await unit.scalar(text("SELECT count(*) FROM mail")) == 0
        assert await unit.scalar(text("SELECT count(*) FROM job WHERE kind = 'mail.send'")) == 0


async def test_a_person_may_cause_a_mail_and_read_none(outbox: Outbox) -> None:
    person = Identity(Scope.PERSON, UserId(new_id()))
    async with outbox.database.unit(person) as unit:
        await outbox.mailer.queue(unit, Trial(at=AT), to="ada@example.org", language="en", owner_id=person.user_id)
    async with outbox.database.unit(person) as unit:
        assert (await unit.scalars(select(Mail))).all() == []
    async with outbox.database.unit(Identity(Scope.ADMIN, UserId(new_id()))) as unit:
        assert len((await unit.scalars(select(Mail))).all()) == 1
        assert await counts(unit) == {"queued": 1}


async def test_only_failed_and_shown_mails_are_sent_again(outbox: Outbox) -> None:
    mail_id = await outbox.queue()
    await outbox.mailer.send(mail_id)
    with pytest.raises(MailNotRepeatable):
        async with outbox.database.system("test") as unit:
            await outbox.mailer.repeat(unit, mail_id)


async def test_old_mails_are_swept(outbox: Outbox) -> None:
    mail_id = await outbox.queue()
    assert await outbox.mailer.sweep() == 0
    clock.advance(timedelta(days=91))
    assert await outbox.mailer.sweep() == 1
    async with outbox.database.system("test") as unit:
        assert await unit.scalar(select(Mail.id).where(Mail.id == mail_id)) is None


@pytest.mark.parametrize("form", ["text", "json"])
async def test_without_a_server_the_operator_reads_the_link_on_the_terminal_only(
    committed_database: Database, settings: Settings, form: str
) -> None:
    shown = settings.model_copy(update={"kontor_log": form})
    mailer = Mailer(shown, Secrets.load(settings), committed_database, None)
    with structlog.testing.capture_logs() as lines:
        async with committed_database.system("test") as unit:
            mail_id = await mailer.queue(unit, Reset(link=LINK, minutes=30), to="ada@example.org", language="de")
            assert not [line for line in lines if line["event"] == "mail.shown"]
    (line,) = [line for line in lines if line["event"] == "mail.shown"]
    assert (line.get("link") == LINK) is (form == "text")
    async with committed_database.system("test") as unit:
        mail, rendered = await mailer.find(unit, mail_id)
    assert mail.state == MailState.SHOWN
    assert LINK in rendered.text


@pytest.fixture(scope="module")
def authority() -> Iterator[trustme.CA]:
    yield trustme.CA()


def contexts(authority: trustme.CA, *, name: str = "localhost") -> tuple[ssl.SSLContext, ssl.SSLContext]:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client


def envelope() -> Envelope:
    made = compose(
        render(Trial(at=AT), "en"),
        mail_from="kontor@example.org",
        to="ada@example.org",
        message_id="<1@example.org>",
        at=AT,
        language="en",
    )
    return Envelope("kontor@example.org", "ada@example.org", made)


async def nothing() -> None:
    return None


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_mail_is_encrypted_and_signed_in(authority: trustme.CA, office: PostOffice, scheme: str) -> None:
    server_tls, client_tls = contexts(authority)
    with smtp_server(office, tls=server_tls, implicit=scheme == "smtps", with_sign_in=True) as port:
        url = f"{scheme}://{USER}:{PASSWORD.replace(' ', '%20')}@localhost:{port}"
        await SmtpCarrier(SmtpServer.parse(url), tls=client_tls).carry(envelope(), before_handing_over=nothing)
    assert office.is_encrypted == [True]


async def test_a_wrong_password_is_told_without_the_password(authority: trustme.CA, office: PostOffice) -> None:
    server_tls, client_tls = contexts(authority)
    with smtp_server(office, tls=server_tls, implicit=True, with_sign_in=True) as port:
        server = SmtpServer.parse(f"smtps://{USER}:wrong-one@localhost:{port}")
        with pytest.raises(MailServerAway, match="user or password") as caught:
            await SmtpCarrier(server, tls=client_tls).carry(envelope(), before_handing_over=nothing)
    assert "wrong-one" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_certificate_for_another_name_is_refused(
    authority: trustme.CA, office: PostOffice, scheme: str
) -> None:
    server_tls, client_tls = contexts(authority, name="elsewhere.example")
    with smtp_server(office, tls=server_tls, implicit=scheme == "smtps") as port:
        server = SmtpServer.parse(f"{scheme}://localhost:{port}")
        with pytest.raises(MailServerAway, match="certificate"):
            await SmtpCarrier(server, tls=client_tls).carry(envelope(), before_handing_over=nothing)
    assert office.mails == []


async def test_without_encryption_nothing_is_sent_to_another_machine(office: PostOffice) -> None:
    with smtp_server(office) as port:
        parsed = SmtpServer.parse(f"smtp://mail.example:{port}")
        assert parsed.security == "starttls"
        server = SmtpServer("127.0.0.1", port, "starttls", None, None)
        with pytest.raises(MailServerAway, match="STARTTLS"):
            await SmtpCarrier(server).carry(envelope(), before_handing_over=nothing)
    assert office.mails == []


async def test_addresses_beyond_ascii_go_where_they_are_understood(office: PostOffice) -> None:
    made = envelope()
    with smtp_server(office) as port:
        server = SmtpServer.parse(f"smtp://127.0.0.1:{port}")
        wanted = Envelope(made.sender, "jürgen@example.org", made.message)
        await SmtpCarrier(server).carry(wanted, before_handing_over=nothing)
    assert office.envelopes[0].rcpt_tos == ["jürgen@example.org"]


@pytest.mark.parametrize("url", ["http://x", "smtp://", "mail.example:25", ""])
def test_an_address_that_is_no_mail_server_is_named_at_start(url: str) -> None:
    with pytest.raises(ValueError, match="SMTP_URL"):
        SmtpServer.parse(url)
