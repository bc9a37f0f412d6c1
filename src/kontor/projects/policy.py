"""Who may do what, as pure functions over values."""

from kontor.projects.values import Access


def may_edit(access: Access) -> bool:
    return access in {Access.OWNER, Access.EDITOR}


def may_own(access: Access) -> bool:
    """Sharing, putting away, throwing away, deciding what it may cost."""
    return access is Access.OWNER
