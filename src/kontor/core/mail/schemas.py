"""What administrators see of the outbox."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from kontor.core.mail.messages import Language
from kontor.core.mail.tables import Mail, MailState
from kontor.core.mail.templates import Rendered

ShownState = Literal["queued", "sent", "failed", "shown"]

# "sending" lasts seconds; to a reader it is still on its way.
STATES: dict[ShownState, tuple[MailState, ...]] = {
    "queued": (MailState.QUEUED, MailState.SENDING),
    "sent": (MailState.SENT,),
    "failed": (MailState.FAILED,),
    "shown": (MailState.SHOWN,),
}


class MailRead(BaseModel):
    id: UUID
    to: str
    subject: str
    language: Language
    template: str
    state: ShownState
    attempts: int
    error_code: str | None
    error: str | None
    created_at: datetime
    sent_at: datetime | None

    @classmethod
    def of(cls, mail: Mail) -> "MailRead":
        return cls(
            id=mail.id,
            to=mail.to_address,
            subject=mail.subject,
            language="de" if mail.language == "de" else "en",
            template=mail.template,
            state=next(shown for shown, states in STATES.items() if mail.state in states),
            attempts=mail.attempts,
            error_code=mail.error_code,
            error=mail.error,
            created_at=mail.created_at,
            sent_at=mail.sent_at,
        )


class MailReadWhole(MailRead):
    text: str
    html: str

    @classmethod
    def whole(cls, mail: Mail, rendered: Rendered) -> "MailReadWhole":
        return cls(**MailRead.of(mail).model_dump(), text=rendered.text, html=rendered.html)


class MailTest(BaseModel):
    to: str = Field(max_length=254)
    language: Language = "en"
