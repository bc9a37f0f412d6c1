"""EML: what the mail says, then each attachment as a document of its own, within bounds."""

from collections.abc import Callable
from email import policy
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from typing import cast

from kontor.documents.parsing.builder import Builder, one_line
from kontor.documents.parsing.limits import Reason, Unreadable
from kontor.documents.parsing.model import BlockKind, Document
from kontor.documents.parsing.texts import decoded, shown
from kontor.documents.parsing.web_page import Page, parsed

PARSER = "eml-1"
SHOWN = ("From", "To", "Cc", "Date")
MOST_PARTS = 1_000

Attach = Callable[[bytes, str, str], Document]  # content, name, declared type


def read_eml(data: bytes, builder: Builder, attach: Attach) -> None:
    message = BytesParser(policy=policy.default).parsebytes(data)
    subject = header(message, "Subject")
    builder.title, builder.author, builder.date = subject, header(message, "From"), date_of(message)
    builder.page(name=subject)
    builder.block(BlockKind.HEADING, subject, 1)
    facts = [f"{name}: {value}" for name in SHOWN if (value := header(message, name))]
    builder.block(BlockKind.HEADER, "\n".join(facts))
    body = message.get_body(("plain", "html")) if message.is_multipart() else message
    if body is not None:
        write_body(cast("EmailMessage", body), builder)
    attachments = [part for part in parts_of(message) if part is not body and is_attachment(part)]
    for number, part in enumerate(attachments):
        if number >= builder.limits.attachments:
            builder.notice(Reason.ATTACHMENT, f"Only the first {number} of {len(attachments)} attachments were read.")
            break
        read_attachment(part, number + 1, builder, attach)


def header(message: EmailMessage, name: str) -> str:
    """Headers come as anything; the library fails on some of them."""
    try:
        return one_line(str(message.get(name, "")))
    except (ValueError, IndexError, AttributeError, TypeError):
        return ""


def date_of(message: EmailMessage) -> str:
    try:
        return parsedate_to_datetime(header(message, "Date")).isoformat()
    except (ValueError, TypeError, IndexError):
        return ""


def write_body(body: EmailMessage, builder: Builder) -> None:
    content = body.get_payload(decode=True)
    if not isinstance(content, bytes):
        return
    text = decoded(content, body.get_content_charset() or "")
    if body.get_content_type() == "text/html":
        Page(builder, set()).walk(parsed(text))
        return
    for paragraph in shown(text).split("\n\n"):
        builder.block(BlockKind.PARAGRAPH, paragraph)


def parts_of(message: EmailMessage) -> list[Message]:
    """Without recursion, and not into mails that are attached: they are documents of their own."""
    found: list[Message] = []
    waiting: list[Message] = [message]
    while waiting:
        part = waiting.pop()
        found.append(part)
        if len(found) > MOST_PARTS:
            raise Unreadable(Reason.TOO_MANY_PARTS, f"The mail has more than {MOST_PARTS} parts.")
        payload = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(payload, list):
            waiting += [entry for entry in reversed(payload) if isinstance(entry, Message)]
    return found


def is_attachment(part: Message) -> bool:
    if part.get_content_maintype() == "multipart":
        return False
    is_picture = part.get_content_maintype() == "image" and part.get("Content-ID") is not None
    is_named = part.get_filename() is not None or part.get_content_disposition() == "attachment"
    return (is_named or part.get_content_type() == "message/rfc822") and not is_picture


def read_attachment(part: Message, number: int, builder: Builder, attach: Attach) -> None:
    payload = part.get_payload()
    if part.get_content_type() == "message/rfc822" and isinstance(payload, list) and payload:
        content = cast("Message", payload[0]).as_bytes(policy=policy.compat32)
        name = part.get_filename() or f"{number}.eml"
    else:
        decoded_payload = part.get_payload(decode=True)
        content = decoded_payload if isinstance(decoded_payload, bytes) else b""
        name = part.get_filename() or f"attachment {number}"
    name = one_line(name)[:200]
    try:
        document = attach(content, name, part.get_content_type())
    except Unreadable as reason:
        if reason.code in (Reason.TOO_LARGE, Reason.TOO_DEEP):
            raise
        builder.notice(Reason.ATTACHMENT, f"{name}: {reason.sentence}")
        return
    builder.include(document, name)
