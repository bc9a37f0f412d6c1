"""Who manages whom, as pure functions (docs/decisions/0005-roles.md)."""

from enum import StrEnum
from typing import assert_never

from kontor.core.ids import UserId
from kontor.core.tenancy import Actor, Role


class Deed(StrEnum):
    READ = "read"
    INVITE = "invite"
    APPROVE = "approve"
    SUSPEND = "suspend"
    RESTORE = "restore"
    CREATE = "create"  # with a password that the one who creates knows
    CHANGE = "change"
    DELETE = "delete"
    END_SESSIONS = "end_sessions"
    RESET_LINK = "reset_link"  # a key to somebody's account
    READ_FILES = "read_files"


# What looks after people without ever giving a way into what they wrote.
MANAGERS_DEEDS = frozenset({Deed.READ, Deed.INVITE, Deed.APPROVE, Deed.SUSPEND, Deed.RESTORE})

# What nobody does to themselves: it would be a mistake, or a way to leave without a trace.
NOT_TO_ONESELF = frozenset({Deed.SUSPEND, Deed.DELETE})


def visible_roles(role: Role) -> frozenset[Role]:
    """Whom somebody in this role finds. For everybody else the others do not exist."""
    match role:
        case Role.ADMIN:
            return frozenset(Role)
        case Role.MANAGER:
            return frozenset({Role.USER})
        case Role.USER:
            return frozenset()
        case _:
            assert_never(role)


def may(role: Role, deed: Deed) -> bool:
    return role is Role.ADMIN or (role is Role.MANAGER and deed in MANAGERS_DEEDS)


def may_give(role: Role, given: Role) -> bool:
    """Nobody makes somebody who may more than they can see."""
    return given in visible_roles(role)


def is_to_oneself(actor: Actor, deed: Deed, subject_id: UserId) -> bool:
    return deed in NOT_TO_ONESELF and actor.user_id == subject_id
