"""Which window of the app is writing: it is named in the event, so that the window knows its own change again."""

import re
from typing import Annotated

from fastapi import Depends, Header

from kontor.core.errors import FieldProblem

HEADER = "X-Kontor-Client"
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


async def window_of(
    client: Annotated[str | None, Header(alias=HEADER, description="A random name that this window made up")] = None,
) -> str | None:
    if client is not None and not NAME.fullmatch(client):
        raise FieldProblem(HEADER, "Use up to 64 letters, digits, hyphens and underscores.")
    return client


CurrentWindow = Annotated[str | None, Depends(window_of)]
