"""Who may do what to whom, as pure functions over values."""

from collections.abc import Iterable

from kontor.core.tenancy import Role

ACCOUNT_SCOPES = frozenset({"account:read", "account:write"})
LLM_SCOPES = frozenset({"llm:use"})  # asking models, which may cost
PROJECT_SCOPES = frozenset({"projects:read", "projects:write"})
DOCUMENT_SCOPES = frozenset({"documents:read", "documents:write"})
PERSON_SCOPES = ACCOUNT_SCOPES | PROJECT_SCOPES | DOCUMENT_SCOPES | LLM_SCOPES
ADMIN_SCOPES = frozenset({"admin:read", "admin:write"})
ALL_SCOPES = PERSON_SCOPES | ADMIN_SCOPES


def scopes_of(role: Role) -> frozenset[str]:
    """Everything that a token of somebody in this role can carry."""
    return ALL_SCOPES if role is Role.ADMIN else PERSON_SCOPES


def too_wide(wanted: Iterable[str], role: Role) -> list[str]:
    return sorted(set(wanted) - scopes_of(role))


def leaves_no_admin(*, is_admin: bool, is_active: bool, stays_admin: bool, stays_active: bool, others: int) -> bool:
    """Whether a change would leave the installation without anybody who can manage it. `others`: active ones."""
    was_one = is_admin and is_active
    return was_one and not (stays_admin and stays_active) and others == 0
