"""What can go wrong when people are managed."""

from kontor.core.errors import Kind, KontorError


class DeedNotAllowed(KontorError):
    kind, code = Kind.FORBIDDEN, "people.not_allowed"

    def __init__(self) -> None:
        super().__init__("Only an administrator does this.")


class NotToOneself(KontorError):
    kind, code = Kind.CONFLICT, "people.not_to_oneself"

    def __init__(self) -> None:
        super().__init__("This cannot be done to your own account. Ask another administrator.")


class NoAddress(KontorError):
    kind, code = Kind.CONFLICT, "people.no_address"

    def __init__(self) -> None:
        super().__init__("This person has no e-mail address. Set one first.")


class NotInvited(KontorError):
    kind, code = Kind.CONFLICT, "people.not_invited"

    def __init__(self) -> None:
        super().__init__("This person needs no invitation (any more).")
