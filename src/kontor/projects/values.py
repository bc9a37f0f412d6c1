"""What folders and projects are called, and who one is to them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

TRASH_KEPT = timedelta(days=30)
INVITATION_LASTS = timedelta(days=30)

Sort = Literal["folder", "project"]


class Kind(StrEnum):
    CHAT = "chat"
    CV_MATCHER = "cv_matcher"
    PRIVATE_GPT = "private_gpt"
    TELL_ME_LIFE = "tell_me_life"
    EXTRACTION = "extraction"
    RESUME = "resume"
    ROLEPLAY = "roleplay"


class Access(StrEnum):
    OWNER = "owner"
    EDITOR = "editor"
    VIEWER = "viewer"


class ShareState(StrEnum):
    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Thing:
    """A folder or a project, as one person sees it. `parent_id` is None for whoever may not see the parent."""

    sort: Sort
    id: UUID
    owner_id: UUID
    parent_id: UUID | None
    access: Access
    name: str
    description: str
    colour: str | None
    tags: list[str]
    is_pinned: bool
    is_shared: bool
    position: int
    archived_at: datetime | None
    trashed_at: datetime | None
    trashed_with: UUID | None
    version: int
    created_at: datetime
    updated_at: datetime
    # Of projects alone
    kind: Kind | None = None
    config: dict[str, Any] | None = None
    instructions: str = ""
    default_model: str | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a question in a project is asked on."""

    project_id: UUID
    default_model: str | None
