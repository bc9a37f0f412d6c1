"""Jobs as they go over the wire."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

State = Literal["waiting", "queued", "running", "done", "failed", "dead", "cancelled"]
SeenState = Literal["waiting", "queued", "running", "done", "failed", "cancelled"]

OPEN: frozenset[str] = frozenset({"waiting", "queued", "running"})
REPEATABLE: frozenset[str] = frozenset({"failed", "dead", "cancelled"})


class JobRead(BaseModel):
    """A job as its owner sees it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: str
    title: str
    state: SeenState
    done: int
    total: int | None
    note: str | None
    error_code: str | None
    error: str | None
    attempts: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    can_cancel: bool


class AdminJobRead(BaseModel):
    """A job as administrators see it: where it stands, and nothing of what its owner does with it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    owner_id: UUID | None
    kind: str
    state: State
    priority: int
    done: int
    total: int | None
    error_code: str | None
    error: str | None = Field(description="Only of jobs that belong to nobody")
    attempts: int
    max_attempts: int
    run_at: datetime
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    can_cancel: bool
    can_retry: bool


class PeriodicRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    kind: str
    every_seconds: int
    next_run_at: datetime
    last_run_at: datetime | None
    last_job_id: UUID | None
    last_state: State | None


class PeriodicList(BaseModel):
    items: list[PeriodicRead]


class PauseRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    owner_id: UUID | None
    kind: str | None
    created_at: datetime


class PauseList(BaseModel):
    items: list[PauseRead]


class PauseSubject(BaseModel):
    """Whose jobs, or which kind of jobs."""

    owner_id: UUID | None = None
    kind: str | None = Field(None, min_length=1, max_length=100)

    @model_validator(mode="after")
    def one_of_them(self) -> Self:
        if (self.owner_id is None) == (self.kind is None):
            raise ValueError("Name either owner_id or kind.")
        return self


class JobStats(BaseModel):
    running: int
    waiting: int
    oldest_seconds: float = Field(description="How long the job that has waited longest could have run already")
    failed_24h: int
    dead: int
