"""What the mails say, in both languages: pure functions from a message to subject, text and HTML."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import assert_never

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
    ToPerson,
    Trial,
    Verify,
    Waiting,
)

SUBJECT_LIMIT = 200
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Button:
    label: str
    link: str


@dataclass(frozen=True, slots=True)
class Fine:
    """Small print."""

    text: str


Block = str | Button | Fine


@dataclass(frozen=True, slots=True)
class Draft:
    subject: str
    blocks: Sequence[Block]


def render(message: AnyMessage, language: Language) -> Rendered:
    draft = german(message) if language == "de" else english(message)
    blocks = [greeting(message, language), *draft.blocks, Fine(footer(message, language))]
    subject = plain(draft.subject)[:SUBJECT_LIMIT]
    return Rendered(subject, as_text(blocks), as_html(blocks, subject=subject, language=language))


def english(message: AnyMessage) -> Draft:  # noqa: PLR0911 - one for each mail
    match message:
        case Verify():
            return Draft(
                f"Confirm your address for {message.site}",
                [
                    f"please confirm that this address is yours, so that you can use {message.site}.",
                    Button("Confirm address", message.link),
                    Fine(
                        f"The link works for {count(message.hours, 'hour', 'hours')} and once. If you did not ask "
                        "for this, do nothing: without the link nothing happens."
                    ),
                ],
            )
        case Reset():
            return Draft(
                f"Choose a new password for {message.site}",
                [
                    f"somebody, probably you, asked for a new password for {message.site}.",
                    Button("Choose a new password", message.link),
                    Fine(
                        f"The link works for {count(message.minutes, 'minute', 'minutes')} and once. If it was not "
                        "you, do nothing: your password stays as it is."
                    ),
                ],
            )
        case Invite():
            return Draft(
                f"You are invited to {message.site}",
                [
                    f"an account at {message.site} has been prepared for you. Choose a password and you can begin.",
                    Button("Accept the invitation", message.link),
                    Fine(f"The link works for {count(message.days, 'day', 'days')} and once."),
                ],
            )
        case Approved():
            return Draft(
                f"Your account at {message.site} is ready",
                ["your registration has been approved. You can sign in now.", Button("Sign in", message.link)],
            )
        case Waiting():
            return Draft(
                f"{message.site}: a registration waits for approval",
                [
                    f"{plain(message.applicant_name)} ({plain(message.applicant_email)}) has registered and waits for "
                    "approval.",
                    Button("Open the list of people", message.link),
                ],
            )
        case AlreadyRegistered():
            return Draft(
                f"You already have an account at {message.site}",
                [
                    f"somebody, probably you, wanted to register this address at {message.site}. It has an account "
                    "already: sign in, or choose a new password if you do not know the old one any more.",
                    Button("Sign in", message.link),
                    Fine("If it was not you, do nothing: your account is unchanged."),
                ],
            )
        case PasswordChanged():
            return Draft(
                f"Your password for {message.site} was changed",
                [
                    f"your password was changed on {moment(message.at, 'en')}. All other devices were signed out.",
                    "If it was not you, choose a new password at once and look through your devices.",
                    Button("Open sign-in settings", message.link),
                ],
            )
        case NewSignIn():
            return Draft(
                f"New sign-in to {message.site}",
                [
                    "your account was used to sign in from a device that we had not seen before:",
                    f"{moment(message.at, 'en')} · {described(message, 'address')}",
                    "If it was not you, end that session and choose a new password.",
                    Button("Look through my devices", message.link),
                ],
            )
        case EmailChanged():
            return Draft(
                f"Your address for {message.site} was changed",
                [
                    f"since {moment(message.at, 'en')} your account uses the address {plain(message.new_email)}. "
                    "This address is no longer used.",
                    "If it was not you, ask the operator of this installation for help at once.",
                    Button(f"Open {message.site}", message.link),
                ],
            )
        case Shared():
            what = f"the {message.sort}{quoted(message.thing, '“”')}"
            return Draft(
                f"You are invited to a {message.sort} at {message.site}",
                [
                    f"{greetable(message.by) or 'somebody'} would like to share {what} with you.",
                    Button("Look at the invitation", message.link),
                    Fine(
                        f"It is open for {count(message.days, 'day', 'days')}. As long as you do not accept, nothing "
                        "changes for you."
                    ),
                ],
            )
        case Trial():
            return Draft(
                f"Test mail from {message.site}",
                [f"this is the test mail asked for on {moment(message.at, 'en')}. Mail works."],
            )
        case _:
            assert_never(message)


def german(message: AnyMessage) -> Draft:  # noqa: PLR0911 - one for each mail
    match message:
        case Verify():
            return Draft(
                f"Bestätigen Sie Ihre Adresse für {message.site}",
                [
                    f"bitte bestätigen Sie, dass diese Adresse Ihnen gehört, damit Sie {message.site} nutzen können.",
                    Button("Adresse bestätigen", message.link),
                    Fine(
                        f"Der Link gilt {count(message.hours, 'Stunde', 'Stunden')} und nur einmal. Wenn Sie das "
                        "nicht angefordert haben, tun Sie nichts: Ohne den Link geschieht nichts."
                    ),
                ],
            )
        case Reset():
            return Draft(
                f"Neues Passwort für {message.site}",
                [
                    f"jemand, vermutlich Sie, hat ein neues Passwort für {message.site} angefordert.",
                    Button("Neues Passwort wählen", message.link),
                    Fine(
                        f"Der Link gilt {count(message.minutes, 'Minute', 'Minuten')} und nur einmal. Wenn Sie das "
                        "nicht waren, tun Sie nichts: Ihr Passwort bleibt, wie es ist."
                    ),
                ],
            )
        case Invite():
            return Draft(
                f"Einladung zu {message.site}",
                [
                    f"für Sie wurde ein Konto bei {message.site} vorbereitet. Wählen Sie ein Passwort, und Sie können "
                    "beginnen.",
                    Button("Einladung annehmen", message.link),
                    Fine(f"Der Link gilt {count(message.days, 'Tag', 'Tage')} und nur einmal."),
                ],
            )
        case Approved():
            return Draft(
                f"Ihr Konto bei {message.site} ist bereit",
                [
                    "Ihre Registrierung wurde freigegeben. Sie können sich jetzt anmelden.",
                    Button("Anmelden", message.link),
                ],
            )
        case Waiting():
            return Draft(
                f"{message.site}: Eine Registrierung wartet auf Freigabe",
                [
                    f"{plain(message.applicant_name)} ({plain(message.applicant_email)}) hat sich registriert und "
                    "wartet auf Freigabe.",
                    Button("Liste der Personen öffnen", message.link),
                ],
            )
        case AlreadyRegistered():
            return Draft(
                f"Sie haben bereits ein Konto bei {message.site}",
                [
                    f"jemand, vermutlich Sie, wollte diese Adresse bei {message.site} registrieren. Sie hat schon ein "
                    "Konto: Melden Sie sich an, oder wählen Sie ein neues Passwort, wenn Sie das alte nicht mehr "
                    "wissen.",
                    Button("Anmelden", message.link),
                    Fine("Wenn Sie das nicht waren, tun Sie nichts: Ihr Konto ist unverändert."),
                ],
            )
        case PasswordChanged():
            return Draft(
                f"Ihr Passwort für {message.site} wurde geändert",
                [
                    f"Ihr Passwort wurde am {moment(message.at, 'de')} geändert. Alle anderen Geräte wurden "
                    "abgemeldet.",
                    "Wenn Sie das nicht waren, wählen Sie sofort ein neues Passwort und prüfen Sie Ihre Geräte.",
                    Button("Anmeldung und Sicherheit öffnen", message.link),
                ],
            )
        case NewSignIn():
            return Draft(
                f"Neue Anmeldung bei {message.site}",
                [
                    "mit Ihrem Konto hat sich ein Gerät angemeldet, das wir noch nicht kannten:",
                    f"{moment(message.at, 'de')} · {described(message, 'Adresse')}",
                    "Wenn Sie das nicht waren, beenden Sie diese Sitzung und wählen Sie ein neues Passwort.",
                    Button("Meine Geräte prüfen", message.link),
                ],
            )
        case EmailChanged():
            return Draft(
                f"Ihre Adresse für {message.site} wurde geändert",
                [
                    f"seit dem {moment(message.at, 'de')} verwendet Ihr Konto die Adresse {plain(message.new_email)}. "
                    "Diese Adresse hier wird nicht mehr verwendet.",
                    "Wenn Sie das nicht waren, bitten Sie sofort den Betreiber dieser Installation um Hilfe.",
                    Button(f"{message.site} öffnen", message.link),
                ],
            )
        case Shared():
            to, what = ("einem Ordner", "den Ordner") if message.sort == "folder" else ("einem Projekt", "das Projekt")
            return Draft(
                f"Einladung zu {to} bei {message.site}",
                [
                    f"{greetable(message.by) or 'jemand'} möchte {what}{quoted(message.thing, '„“')} mit Ihnen teilen.",
                    Button("Einladung ansehen", message.link),
                    Fine(
                        f"Sie gilt {count(message.days, 'Tag', 'Tage')}. Solange Sie nicht annehmen, ändert sich für "
                        "Sie nichts."
                    ),
                ],
            )
        case Trial():
            return Draft(
                f"Testmail von {message.site}",
                [
                    f"dies ist die Testmail, die am {moment(message.at, 'de')} angefordert wurde. Der Versand "
                    "funktioniert."
                ],
            )
        case _:
            assert_never(message)


def greeting(message: AnyMessage, language: Language) -> str:
    name = greetable(message.name) if isinstance(message, ToPerson) else None
    hello = "Guten Tag" if language == "de" else "Hello"
    return f"{hello} {name}," if name else f"{hello},"


def greetable(name: str | None) -> str | None:
    """A name is chosen by whoever fills in the form, for an address that may be another's: no advertisements in it."""
    cleaned = plain(name or "").strip()
    is_suspicious = len(cleaned) > 60 or re.search(r"://|www\.|[/@<>]|\.\w{2,}\b", cleaned, re.IGNORECASE)
    return None if is_suspicious or not cleaned else cleaned


def quoted(name: str, marks: str) -> str:
    """What somebody called their folder or project, unless it is more than a name."""
    cleaned = greetable(name)
    return f" {marks[0]}{cleaned}{marks[1]}" if cleaned else ""


def footer(message: AnyMessage, language: Language) -> str:
    if language == "de":
        return f"{plain(message.site)} hat diese Mail automatisch verschickt; Antworten werden nicht gelesen."
    return f"{plain(message.site)} has sent this mail automatically; answers are not read."


def described(message: NewSignIn, word: str) -> str:
    return plain(message.client) + (f" · {word} {plain(message.address)}" if message.address else "")


def count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def moment(at: datetime, language: Language) -> str:
    at = at.astimezone(UTC)
    if language == "de":
        return f"{at:%d.%m.%Y} um {at:%H:%M} Uhr (UTC)"
    return f"{at.day} {MONTHS[at.month - 1]} {at.year} at {at:%H:%M} UTC"


def plain(text: str) -> str:
    """One line, whatever somebody wrote: nothing in a mail may begin a header, a line or a direction of its own."""
    return "".join(character if character.isprintable() else " " for character in text)


def as_text(blocks: Sequence[Block]) -> str:
    def line(block: Block) -> str:
        match block:
            case Button():
                return f"{plain(block.label)}:\n{block.link}"
            case Fine():
                return plain(block.text)
            case _:
                return plain(block)

    return "\n\n".join(line(block) for block in blocks) + "\n"


FONT = "font-family:system-ui,-apple-system,'Segoe UI',sans-serif"
HTML = """<!doctype html>
<html lang="{language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{subject}</title></head>
<body style="margin:0;padding:24px;background:#f6f5f2">
<div style="max-width:520px;margin:0 auto;padding:28px;background:#ffffff;border-radius:10px;color:#1d1c1a;{font}">
{blocks}
</div>
</body>
</html>
"""


def as_html(blocks: Sequence[Block], *, subject: str, language: Language) -> str:
    render_block: Callable[[Block], str] = html_block
    body = "\n".join(render_block(block) for block in blocks)
    return HTML.format(language=language, subject=escape(subject), font=FONT, blocks=body)


def html_block(block: Block) -> str:
    match block:
        case Button():
            link = escape(block.link)
            # The address also stands there to be read: some programs show no links, and some people trust none.
            return (
                f'<p style="margin:20px 0"><a href="{link}" style="display:inline-block;padding:10px 18px;'
                f'border-radius:8px;background:#1d1c1a;color:#ffffff;text-decoration:none">{escape(block.label)}</a></p>'
                f'<p style="margin:0 0 16px;font-size:13px;color:#6b6862;word-break:break-all">{link}</p>'
            )
        case Fine():
            return f'<p style="margin:16px 0 0;font-size:13px;line-height:1.5;color:#6b6862">{escape(block.text)}</p>'
        case _:
            return f'<p style="margin:0 0 12px;font-size:15px;line-height:1.5">{escape(plain(block))}</p>'
