"""What can go wrong with files."""

from kontor.core.errors import Kind, KontorError


class BlobNotFound(KontorError):
    kind, code = Kind.NOT_FOUND, "blobs.not_found"

    def __init__(self) -> None:
        super().__init__("There is no such file.")


class LinkInvalid(KontorError):
    kind, code = Kind.NOT_FOUND, "blobs.link_invalid"

    def __init__(self) -> None:
        super().__init__("This link does not lead to a file, or no longer does.")


class ContentMissing(KontorError):
    """The row is there and its bytes are not: the store lost them, or is another one than before."""

    kind, code = Kind.GONE, "blobs.content_missing"

    def __init__(self) -> None:
        super().__init__("The content of this file is no longer in the store.")


class BlobTooLarge(KontorError):
    kind, code = Kind.TOO_LARGE, "blobs.too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The file is larger than {limit} bytes.", details={"limit_bytes": limit})


class QuotaExceeded(KontorError):
    kind, code = Kind.TOO_LARGE, "blobs.quota_exceeded"

    def __init__(self, *, used: int, quota: int | None) -> None:
        super().__init__(
            "There is no room left for this file. Delete others, or ask for more room.",
            details={"used_bytes": used, "quota_bytes": quota},
        )


class StoreFull(KontorError):
    kind, code = Kind.OUT_OF_SPACE, "blobs.store_full"

    def __init__(self) -> None:
        super().__init__("The disk of this installation is full. Its operator has to make room.")


class StoreAway(KontorError):
    kind, code = Kind.UNAVAILABLE, "blobs.store_away"

    def __init__(self) -> None:
        super().__init__("The store for files does not answer right now. Try again in a moment.", retry_after=5)


class TooManyUploads(KontorError):
    kind, code = Kind.RATE_LIMITED, "blobs.too_many_uploads"

    def __init__(self, limit: int) -> None:
        super().__init__(f"More than {limit} uploads at the same time. Wait until one is done.", retry_after=5)


class UploadStalled(KontorError):
    kind, code = Kind.INVALID, "blobs.upload_stalled"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"Nothing arrived for {seconds:g} seconds, so the upload was given up.")


class UploadLost(KontorError):
    kind, code = Kind.CONFLICT, "blobs.upload_lost"

    def __init__(self) -> None:
        super().__init__("The upload was given up meanwhile. Send the file again.")
