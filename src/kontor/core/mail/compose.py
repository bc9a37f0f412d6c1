"""From a rendered text to a mail on the wire. Nothing that a person wrote can become a header."""

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from uuid import UUID

from kontor.core.errors import FieldProblem
from kontor.core.mail.messages import Language
from kontor.core.mail.templates import Rendered, plain

ADDRESS_LIMIT = 254


def clean_address(address: str, *, field: str = "to") -> str:
    """One mail address and nothing else: no name, no list, no line break."""
    local, at, domain = address.strip().rpartition("@")
    is_plain = address.isprintable() and not any(c.isspace() or c in '<>,;:"()[]\\' for c in address.strip())
    if not (local and at and domain and is_plain and len(address) <= ADDRESS_LIMIT):
        raise FieldProblem(field, "This is not a mail address.")
    try:
        ascii_domain = domain.encode("idna").decode("ascii")
        made = Address(username=local, domain=ascii_domain)
    except ValueError as reason:
        raise FieldProblem(field, "This is not a mail address.") from reason
    return made.addr_spec


def sender_of(mail_from: str) -> Address:
    name, address = parseaddr(mail_from)
    local, _, domain = clean_address(address, field="MAIL_FROM").rpartition("@")
    return Address(display_name=plain(name), username=local, domain=domain)


def message_id(mail_id: UUID, mail_from: str) -> str:
    """Made once for each row: a server that gets a mail twice can tell."""
    return f"<{mail_id}@{sender_of(mail_from).domain or 'kontor.invalid'}>"


def compose(
    rendered: Rendered, *, mail_from: str, to: str, message_id: str, at: datetime, language: Language
) -> EmailMessage:
    local, _, domain = clean_address(to).rpartition("@")
    made = EmailMessage(policy=SMTP)
    made["From"] = sender_of(mail_from)
    made["To"] = Address(username=local, domain=domain)
    made["Subject"] = plain(rendered.subject)
    made["Date"] = format_datetime(at)
    made["Message-ID"] = message_id
    made["Content-Language"] = language
    made["Auto-Submitted"] = "auto-generated"
    made["X-Auto-Response-Suppress"] = "All"
    made.set_content(rendered.text, cte="quoted-printable")
    made.add_alternative(rendered.html, subtype="html", cte="quoted-printable")
    return made
