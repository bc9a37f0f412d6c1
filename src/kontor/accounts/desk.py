"""What lies on a person's desk: tabs, the last closed ones, panels and sheets, the same on every device."""

import re
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator
from sqlalchemy import literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts.personal_tables import Desk
from kontor.core.clock import now
from kontor.core.events.publishing import person_topic, publish
from kontor.core.http.versions import StaleVersion
from kontor.core.tenancy import Actor
from kontor.core.text import Line, one_line

MOST_TABS = 50
MOST_CLOSED = 20
MOST_UNFOLDED = 500
INTERFACES = frozenset({"api", "v1", "ws"})


def internal_path(path: str) -> str:
    """A tab opens a page of ours: whatever a browser could read as another origin or another scheme is refused."""
    one_line(path)
    if not path.startswith("/") or path.startswith("//") or "\\" in path:
        raise ValueError("A tab's path begins with one slash and stays inside Kontor.")
    segments = re.split(r"[?#]", path, maxsplit=1)[0].lower().replace("%2e", ".").split("/")
    if segments[1] in INTERFACES:
        raise ValueError("A tab opens a page, not an interface.")
    if "." in segments or ".." in segments:
        raise ValueError("A tab's path has no dot segments.")
    return path


TabId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]


class DeskTab(BaseModel):
    id: TabId
    path: Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(internal_path)]
    title: Annotated[Line, StringConstraints(max_length=300)]
    icon: Word | None = None
    state: Word | None = Field(None, description="The mark on the left: a word such as `unread` or `draft`.")


class Sidebar(BaseModel):
    open: bool = True
    width: int = Field(260, ge=200, le=420)
    unfolded: list[UUID] = Field(default_factory=list, max_length=MOST_UNFOLDED, description="Folders of the tree")


class Inspector(BaseModel):
    open: bool = False
    width: int = Field(440, ge=360, le=640)


class Split(BaseModel):
    """Two sheets side by side: the active tab on the main one, another on the second."""

    second: TabId | None = Field(None, description="The tab on the second sheet; none while there is only one.")
    share: int = Field(50, ge=25, le=75, description="How many per cent of the width the main sheet has.")
    front: Literal["main", "second"] = Field("main", description="The sheet the person works on.")


class DeskChange(BaseModel):
    tabs: list[DeskTab] = Field(max_length=MOST_TABS)
    active: TabId | None = None
    closed: list[DeskTab] = Field(default_factory=list, max_length=MOST_CLOSED)
    sidebar: Sidebar = Field(default_factory=Sidebar)
    inspector: Inspector = Field(default_factory=Inspector)
    split: Split = Field(default_factory=Split)

    @model_validator(mode="after")
    def hangs_together(self) -> Self:
        ids = [tab.id for tab in self.tabs]
        if len(set(ids)) != len(ids):
            raise ValueError("Two tabs have the same id.")
        if self.active is not None and self.active not in ids:
            raise ValueError("The active tab is not on the desk.")
        if self.split.second is not None and (self.split.second not in ids or self.split.second == self.active):
            raise ValueError("The second sheet shows another tab of the desk than the main one.")
        if self.split.second is None and self.split.front == "second":
            raise ValueError("There is no second sheet to be in front.")
        return self


class DeskRead(DeskChange):
    version: int


EMPTY = DeskRead(version=0, tabs=[])


async def read(unit: AsyncSession, actor: Actor) -> DeskRead:
    found = (await unit.execute(select(Desk.layout, Desk.version).where(Desk.owner_id == actor.user_id))).one_or_none()
    return EMPTY if found is None else DeskRead.model_validate({**found.layout, "version": found.version})


async def save(
    unit: AsyncSession, actor: Actor, change: DeskChange, *, seen: int | None, client: str | None
) -> DeskRead:
    """One conditional statement, so that of two devices that saw the same version only one writes.

    `client` names the window that writes, so that it knows its own event again.
    """
    content = {"layout": change.model_dump(mode="json"), "updated_at": now()}
    if seen is not None and seen > 0:
        write = update(Desk).where(Desk.owner_id == actor.user_id, Desk.version == seen)
        version = await unit.scalar(write.values(**content, version=Desk.version + 1).returning(Desk.version))
    else:
        first = insert(Desk).values(owner_id=actor.user_id, version=1, **content)
        version = await unit.scalar(
            first.on_conflict_do_update(
                index_elements=[Desk.owner_id],
                set_={**content, "version": Desk.version + 1},
                where=literal(seen is None),
            ).returning(Desk.version)
        )
    if version is None:
        raise StaleVersion((await read(unit, actor)).version)
    data = {"version": version, "client": client}
    await publish(unit, topic=person_topic(actor.user_id), kind="desk.changed", data=data)
    return DeskRead(**change.model_dump(), version=version)
