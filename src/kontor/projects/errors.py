"""What can go wrong with folders, projects and shares. What somebody may not see is not there."""

from kontor.core.errors import Kind, KontorError


class ProjectNotFound(KontorError):
    kind, code = Kind.NOT_FOUND, "project.not_found"

    def __init__(self) -> None:
        super().__init__("There is no such project.")


class FolderNotFound(KontorError):
    kind, code = Kind.NOT_FOUND, "folder.not_found"

    def __init__(self) -> None:
        super().__init__("There is no such folder.")


class ShareNotFound(KontorError):
    kind, code = Kind.NOT_FOUND, "share.not_found"

    def __init__(self) -> None:
        super().__init__("There is no such invitation.")


class NotInTrash(KontorError):
    kind, code = Kind.NOT_FOUND, "trash.not_found"

    def __init__(self) -> None:
        super().__init__("This is not in your trash.")


class ReadOnly(KontorError):
    kind, code = Kind.FORBIDDEN, "project.read_only"

    def __init__(self) -> None:
        super().__init__("You may read this and change nothing. Ask its owner to make you an editor.")


class OwnerOnly(KontorError):
    kind, code = Kind.FORBIDDEN, "project.owner_only"

    def __init__(self) -> None:
        super().__init__("Only its owner may do this.")


class MoveWouldShare(KontorError):
    kind, code = Kind.FORBIDDEN, "project.move_would_share"

    def __init__(self) -> None:
        super().__init__("Other people would see it there than here. Only its owner may decide that.")


class InTrash(KontorError):
    kind, code = Kind.CONFLICT, "project.in_trash"

    def __init__(self) -> None:
        super().__init__("This is in the trash. Restore it first.")


class FolderInItself(KontorError):
    kind, code = Kind.CONFLICT, "folder.in_itself"

    def __init__(self) -> None:
        super().__init__("A folder cannot stand in itself, nor in one that stands in it.")


class OtherTree(KontorError):
    kind, code = Kind.CONFLICT, "folder.of_somebody_else"

    def __init__(self) -> None:
        super().__init__("This folder is somebody else's than what you want to move. Duplicate it there instead.")


class WithOneself(KontorError):
    kind, code = Kind.CONFLICT, "share.with_oneself"

    def __init__(self) -> None:
        super().__init__("This is your own address, and it is yours already.")


class AlreadyShared(KontorError):
    kind, code = Kind.CONFLICT, "share.exists"

    def __init__(self) -> None:
        super().__init__("This address takes part already. Change the role there.")


class TooManyThings(KontorError):
    kind, code = Kind.CONFLICT, "project.too_many"

    def __init__(self, what: str, most: int) -> None:
        super().__init__(f"{most} {what} are the most.", details={"most": most})
