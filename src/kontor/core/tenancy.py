"""Who is asking. The values here travel as arguments; the database is told in the first statement of a transaction."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from kontor.core.clock import now
from kontor.core.ids import SessionId, UserId


class Role(StrEnum):
    USER = "user"
    MANAGER = "manager"
    ADMIN = "admin"


class Scope(StrEnum):
    """What a transaction may see, by the policies of the tables."""

    PERSON = "person"
    ADMIN = "admin"  # the columns that managing people needs, never what they wrote
    FULL = "full"  # break-glass: an administrator reading content, for a time, with a reason, audited
    SYSTEM = "system"  # sign-in, workers, sweeps: the purposes below


# A closed list, so that a reviewer can count the doors that open without a person.
SystemPurpose = Literal[
    "sign-in",
    "configuration",
    "events",
    "jobs",
    "mail",
    "health",
    "sweep",
    "vault",
    "people",
    "billing",
    "runs",
    "projects",
    "documents",
    "retrieval",
    "test",
]


@dataclass(frozen=True, slots=True)
class Identity:
    scope: Scope
    user_id: UserId | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in person, by whatever door they came."""

    user_id: UserId
    role: Role
    session_id: SessionId | None = None
    token_scopes: frozenset[str] | None = None  # None: everything the person may do
    full_access_until: datetime | None = None

    @property
    def is_admin(self) -> bool:
        return self.role is Role.ADMIN

    @property
    def has_full_access(self) -> bool:
        return self.is_admin and self.full_access_until is not None and now() < self.full_access_until

    @property
    def identity(self) -> Identity:
        return Identity(Scope.PERSON, self.user_id)

    def as_admin(self) -> Identity:
        """The identity for managing people; the caller has checked the role."""
        return Identity(Scope.ADMIN, self.user_id)

    def with_full_access(self) -> Identity:
        """The identity for reading content; the caller has checked the grant and written the audit line."""
        return Identity(Scope.FULL, self.user_id)
