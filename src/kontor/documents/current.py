"""What this process has for taking documents in and showing them, for routes."""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from kontor.core.http.actors import Core
from kontor.core.kernel import Kernel
from kontor.documents.intake import Intake, Room
from kontor.documents.texts import Unpacked
from kontor.documents.uploads import Uploads


@dataclass(frozen=True, slots=True)
class Desk:
    intake: Intake
    uploads: Uploads
    texts: Unpacked = field(default_factory=Unpacked)

    @classmethod
    def of(cls, kernel: Kernel) -> "Desk":
        intake = Intake(kernel.database, kernel.blobs, Room.of(kernel.settings))
        return cls(intake, Uploads(intake))


async def current_desk(request: Request, kernel: Core) -> Desk:
    found = getattr(request.app.state, "documents", None)
    if not isinstance(found, Desk):
        found = request.app.state.documents = Desk.of(kernel)
    return found


CurrentDesk = Annotated[Desk, Depends(current_desk)]
