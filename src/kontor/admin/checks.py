"""What `kontor doctor` finds, for the screens: in words of the reader's language."""

from fastapi import Request
from pydantic import BaseModel, Field

from kontor.accounts import preferences
from kontor.core import doctor
from kontor.core.doctor import State
from kontor.core.doctor_texts import Language
from kontor.core.kernel import Kernel
from kontor.core.tenancy import Actor


class CheckRead(BaseModel):
    id: str
    title: str
    state: State
    value: str | None
    advice: str | None


class ChecksRead(BaseModel):
    items: list[CheckRead]
    ready_in_ms: int | None = Field(description="From the start of this process until it served")


async def run(kernel: Kernel, actor: Actor, request: Request) -> ChecksRead:
    language = await language_of(kernel, actor, request)
    found = await doctor.run_checks(kernel.settings, is_serving=True)
    items = [
        CheckRead(
            id=check.id,
            title=check.title(language),
            state=check.state,
            value=check.value or None,
            advice=check.advise(language) or None,
        )
        for check in found
    ]
    return ChecksRead(items=items, ready_in_ms=request.app.state.ready_in_ms)


async def language_of(kernel: Kernel, actor: Actor, request: Request) -> Language:
    """As set, otherwise as the browser asks."""
    async with kernel.database.unit(actor) as unit:
        wished = (await preferences.read(unit, actor.user_id)).language
    if wished != "system":
        return wished
    return "de" if request.headers.get("accept-language", "").lower().startswith("de") else "en"
