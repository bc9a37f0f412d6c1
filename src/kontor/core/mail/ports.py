"""The border to whoever carries mails away, in two steps, so that we know on which side of it a crash happened."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Protocol

from kontor.core.errors import Kind, KontorError


class MailRefused(KontorError):
    """The server has said no, for good."""

    kind, code = Kind.UNPROCESSABLE, "mail.refused"


class MailServerAway(KontorError):
    """The server did not answer, or asked us to come back later. It has not taken the mail."""

    kind, code = Kind.UNAVAILABLE, "mail.server_away"


class MailUnclear(KontorError):
    """The connection broke while the mail was handed over: it may have been taken."""

    kind, code = Kind.CONFLICT, "mail.unclear"

    def __init__(self) -> None:
        super().__init__(
            "The connection ended while the mail was handed over. It may have arrived; it is not repeated."
        )


@dataclass(frozen=True, slots=True)
class Envelope:
    sender: str
    recipient: str
    message: EmailMessage


class Carrier(Protocol):
    async def carry(self, envelope: Envelope, *, before_handing_over: Callable[[], Awaitable[None]]) -> None:
        """Connect, agree on sender and recipient, call `before_handing_over`, hand over, return once it is taken."""
