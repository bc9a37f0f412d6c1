"""What can go wrong with documents. What somebody may not see is not there."""

from uuid import UUID

from kontor.core.errors import Kind, KontorError


class DocumentNotFound(KontorError):
    kind, code = Kind.NOT_FOUND, "document.not_found"

    def __init__(self) -> None:
        super().__init__("There is no such document.")


class PageNotFound(KontorError):
    kind, code = Kind.NOT_FOUND, "document.page_not_found"

    def __init__(self) -> None:
        super().__init__("The document has no such page.")


class NotReadYet(KontorError):
    kind, code = Kind.CONFLICT, "document.not_read"

    def __init__(self) -> None:
        super().__init__("The text of this document is not there: it is still being read, or could not be.")


class StillUnderWay(KontorError):
    kind, code = Kind.CONFLICT, "document.under_way"

    def __init__(self) -> None:
        super().__init__("This document is being read right now.")


class DocumentInTrash(KontorError):
    kind, code = Kind.CONFLICT, "document.in_trash"

    def __init__(self) -> None:
        super().__init__("This document is in the trash. Restore it first.")


class NotFromAddress(KontorError):
    kind, code = Kind.CONFLICT, "document.not_from_address"

    def __init__(self) -> None:
        super().__init__("Only what was fetched from an address can be fetched again.")


class Duplicate(KontorError):
    kind, code = Kind.CONFLICT, "document.duplicate"

    def __init__(self, document_id: UUID, name: str) -> None:
        super().__init__(
            f"The same content is in this project already, as {name}.",
            details={"document_id": str(document_id), "name": name},
        )


class TooManyDocuments(KontorError):
    kind, code = Kind.CONFLICT, "document.too_many"

    def __init__(self, most: int) -> None:
        super().__init__(f"A project holds {most} documents at most.", details={"most": most})


class ProjectFull(KontorError):
    kind, code = Kind.TOO_LARGE, "document.project_full"

    def __init__(self, used: int, limit: int) -> None:
        super().__init__(
            "There is no room left in this project for this file.",
            details={"used_bytes": used, "limit_bytes": limit},
        )


class NothingSent(KontorError):
    kind, code = Kind.UNPROCESSABLE, "document.nothing_sent"

    def __init__(self) -> None:
        super().__init__("No file was sent.")


class BadForm(KontorError):
    kind, code = Kind.INVALID, "document.bad_form"

    def __init__(self) -> None:
        super().__init__("Send files as multipart/form-data, the project before the first of them.")


class UploadNotFound(KontorError):
    kind, code = Kind.NOT_FOUND, "document.upload_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such upload. After a day without news it is given up.")


class UploadElsewhere(KontorError):
    kind, code = Kind.CONFLICT, "document.upload_elsewhere"

    def __init__(self, received: int) -> None:
        super().__init__(
            "The part does not begin where the last one ended. Go on from what has been received.",
            details={"received": received},
        )


class UploadBroken(KontorError):
    """Nobody hears it any more; it is for the log, which shall not take it for a mistake of ours."""

    kind, code = Kind.INVALID, "document.upload_broken"

    def __init__(self) -> None:
        super().__init__("The line broke before all was sent.")


class PartTooSmall(KontorError):
    kind, code = Kind.UNPROCESSABLE, "document.part_too_small"

    def __init__(self, least: int) -> None:
        super().__init__(f"Every part but the last has {least} bytes at least.", details={"least_bytes": least})


class UploadIncomplete(KontorError):
    kind, code = Kind.CONFLICT, "document.upload_incomplete"

    def __init__(self, received: int, of: int) -> None:
        super().__init__("Parts of the file are missing.", details={"received": received, "bytes": of})


class TooManyUnfinished(KontorError):
    kind, code = Kind.RATE_LIMITED, "document.too_many_uploads"

    def __init__(self, most: int) -> None:
        super().__init__(f"Finish or end other uploads first: {most} are the most at a time.", details={"most": most})
