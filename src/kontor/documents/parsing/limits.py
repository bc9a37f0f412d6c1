"""What one file may cost, and how it ends when it would cost more."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a file cannot be read, or what a reader should know of one that could. Screens key off these."""

    EMPTY = "empty"
    UNKNOWN_TYPE = "unknown_type"
    UNSUPPORTED = "unsupported"
    OLD_OFFICE = "old_office"
    ENCRYPTED = "encrypted"
    DAMAGED = "damaged"
    UNSAFE_XML = "unsafe_xml"
    TOO_COMPRESSED = "too_compressed"
    TOO_LARGE = "too_large"
    TOO_MANY_PARTS = "too_many_parts"
    TOO_DEEP = "too_deep"
    TOO_SLOW = "too_slow"
    TOO_MUCH_MEMORY = "too_much_memory"
    READER_FAILED = "reader_failed"
    # Of files that could be read:
    OTHER_TYPE = "other_type"
    OCR_MISSING = "ocr_missing"
    OCR_FAILED = "ocr_failed"
    ATTACHMENT = "attachment"


class Unreadable(Exception):
    """A file that nothing can be made of; the sentence is for the person who brought it."""

    def __init__(self, code: Reason, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Limits:
    """Generous for what people write, small beside the machine."""

    memory_bytes: int = 1 << 30
    cpu_seconds: int = 180
    wall_seconds: float = 300.0
    first_seconds: float = 0.7  # then what has been read of a long file is handed over, before the rest
    open_files: int = 64
    output_bytes: int = 96 << 20
    file_bytes: int = 256 << 20
    unpacked_bytes: int = 384 << 20  # of all that is read out of an archive
    ratio: int = 250  # of unpacked to packed, past the first megabytes
    entries: int = 10_000
    pages: int = 5_000  # pages, slides, sheets, chapters
    cells: int = 2_000_000
    characters: int = 20_000_000
    nesting: int = 4  # mails within mails
    attachments: int = 100
    pixels: int = 100_000_000
    ocr_pages: int = 200
