"""What goes over the wire."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from kontor.accounts.emails import EmailText
from kontor.core.text import Line, Lines, Prose
from kontor.projects import configs
from kontor.projects.configs import AnyConfig
from kontor.projects.ports import Thrown
from kontor.projects.values import TRASH_KEPT, Access, Kind, ShareState, Thing

MOST_TAGS = 20

Colour = Literal["grey", "red", "orange", "yellow", "green", "teal", "blue", "violet", "pink"]
Name = Annotated[Line, StringConstraints(min_length=1, max_length=200)]
Description = Annotated[Lines, StringConstraints(max_length=2000)]
ModelName = Annotated[Line, StringConstraints(min_length=1, max_length=200)]
Tag = Annotated[Line, StringConstraints(min_length=1, max_length=40)]


def _once(tags: list[str]) -> list[str]:
    return list(dict.fromkeys(tags))


Tags = Annotated[list[Tag], Field(max_length=MOST_TAGS), AfterValidator(_once)]


class Sent(BaseModel):
    """What a client sends: a field we do not know is a mistake, and never a way in."""

    model_config = ConfigDict(extra="forbid")


class Change(Sent):
    """Only what is sent is changed. What cannot be empty is not taken away by null."""

    @model_validator(mode="after")
    def takes_nothing_away(self) -> Self:
        for name in self.model_fields_set - {"colour", "default_model"}:
            if getattr(self, name) is None:
                raise ValueError(f"{name} cannot be null.")
        return self


class OwnerRead(BaseModel):
    """Whose it is, where it is somebody else's. Null where they are not named to others."""

    name: str | None


class ThingRead(BaseModel):
    id: UUID
    name: str
    description: str
    colour: Colour | None
    tags: list[str]
    role: Access
    owner: OwnerRead | None = Field(description="Null: oneself")
    is_pinned: bool
    is_shared: bool
    archived_at: datetime | None
    trashed_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


class FolderRead(ThingRead):
    parent_id: UUID | None = Field(description="Null also where one may not see the folder that it stands in")

    @classmethod
    def of(cls, thing: Thing, owner: OwnerRead | None) -> Self:
        return cls(**_common(thing, owner), parent_id=thing.parent_id)


class ProjectRead(ThingRead):
    folder_id: UUID | None = Field(description="Null also where one may not see the folder that it stands in")
    kind: Kind
    config: AnyConfig
    instructions: str
    default_model: str | None

    @classmethod
    def of(cls, thing: Thing, owner: OwnerRead | None) -> Self:
        return cls(
            **_common(thing, owner),
            folder_id=thing.parent_id,
            kind=thing.kind,
            config=configs.read(thing.config or {}),
            instructions=thing.instructions,
            default_model=thing.default_model,
        )


def _common(thing: Thing, owner: OwnerRead | None) -> dict[str, object]:
    own = ("id", "name", "description", "colour", "tags", "is_pinned", "is_shared", "archived_at", "trashed_at",
           "version", "created_at", "updated_at")  # fmt: skip
    return {name: getattr(thing, name) for name in own} | {"role": thing.access, "owner": owner}


class FolderWrite(Sent):
    name: Name
    description: Description = ""
    colour: Colour | None = None
    tags: Tags = Field(default_factory=list)


class FolderCreate(FolderWrite):
    parent_id: UUID | None = None


class FolderChange(Change):
    name: Name | None = None
    description: Description | None = None
    colour: Colour | None = None
    tags: Tags | None = None
    archived: bool | None = None


class ProjectWrite(Sent):
    """The kind stays what it was, and the configuration is one of this kind. Absent, it is the usual one."""

    name: Name
    description: Description = ""
    instructions: Prose = ""
    default_model: ModelName | None = None
    colour: Colour | None = None
    tags: Tags = Field(default_factory=list)
    config: AnyConfig | None = None


class ProjectCreate(ProjectWrite):
    kind: Kind = Kind.CHAT
    folder_id: UUID | None = None

    @model_validator(mode="after")
    def is_configured_for_its_kind(self) -> Self:
        if self.config is not None and self.config.kind != self.kind:
            raise ValueError("The configuration is for another kind of project.")
        return self


class ProjectChange(Change):
    name: Name | None = None
    description: Description | None = None
    instructions: Prose | None = None
    default_model: ModelName | None = None
    colour: Colour | None = None
    tags: Tags | None = None
    config: AnyConfig | None = None
    archived: bool | None = None


class Place(Sent):
    """`after` is the one behind which it stands from then on: null makes it the first. Absent, it comes last in another
    folder, and stays in its place in the same."""

    after: UUID | None = None


class FolderMove(Place):
    parent_id: UUID | None = Field(None, description="Null: the top. Absent: where it stands")


class ProjectMove(Place):
    folder_id: UUID | None = Field(None, description="Null: the top. Absent: where it stands")


class Duplicate(Sent):
    name: Name | None = Field(None, description="Absent: the same")
    include: list[Line] = Field(default_factory=list, max_length=20, description="What is taken along")


class FolderDuplicate(Duplicate):
    parent_id: UUID | None = Field(None, description="Null: the top. Absent: beside the original, if one may")


class ProjectDuplicate(Duplicate):
    folder_id: UUID | None = Field(None, description="Null: the top. Absent: beside the original, if one may")


class ShareCreate(Sent):
    folder_id: UUID | None = None
    project_id: UUID | None = None
    email: EmailText
    role: Literal["editor", "viewer"]

    @model_validator(mode="after")
    def names_one_thing(self) -> Self:
        if (self.folder_id is None) == (self.project_id is None):
            raise ValueError("Name a folder or a project.")
        return self


class ShareChange(Sent):
    role: Literal["editor", "viewer"]


class ShareRead(BaseModel):
    """As both sides see it. Whether there is anybody at the address is known to nobody before they accept."""

    id: UUID
    direction: Literal["given", "received"]
    folder_id: UUID | None
    project_id: UUID | None
    name: str = Field(description="Of the folder or project")
    email: str
    person: str | None = Field(description="The other one's name: of whoever invites, or of whoever has accepted")
    role: Literal["editor", "viewer"]
    state: ShareState
    version: int
    created_at: datetime
    expires_at: datetime | None = Field(description="When an invitation that is not answered is over")
    answered_at: datetime | None


class TrashRead(BaseModel):
    """What was thrown away at one stroke."""

    id: UUID
    sort: Literal["folder", "project", "document"]
    name: str
    kind: Kind | None = Field(description="Of a project")
    projects: int = Field(description="How many projects go with it, itself included")
    project_id: UUID | None = Field(None, description="Where it lay, if it lay in a project")
    project: str | None = Field(None, description="What that is called")
    trashed_at: datetime
    erased_at: datetime = Field(description="When it is erased for good")

    @classmethod
    def of(cls, found: object) -> Self:
        trashed_at: datetime = found.trashed_at  # type: ignore[attr-defined]  # a row of `repository.trash`
        return cls.model_validate(
            {name: getattr(found, name) for name in ("id", "sort", "name", "kind", "projects", "trashed_at")}
            | {"erased_at": trashed_at + TRASH_KEPT}
        )

    @classmethod
    def of_thrown(cls, found: Thrown) -> Self:
        return cls(
            id=found.id, sort=found.sort, name=found.name, kind=None, projects=0, project_id=found.project_id,
            project=found.project, trashed_at=found.trashed_at, erased_at=found.trashed_at + TRASH_KEPT,
        )  # fmt: skip


class Emptied(BaseModel):
    erased: int
