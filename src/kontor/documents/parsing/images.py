"""Images: their size, read off their first bytes; their text only where OCR is installed."""

import struct
from collections.abc import Callable

from kontor.documents.parsing import ocr
from kontor.documents.parsing.archive import damaged
from kontor.documents.parsing.builder import Builder
from kontor.documents.parsing.limits import Reason, Unreadable

PARSER = "image-1"
Size = tuple[int, int]


def read_image(data: bytes, builder: Builder) -> None:
    width, height = size_of(data)
    if width <= 0 or height <= 0:
        raise damaged
    if width * height > builder.limits.pixels:
        raise Unreadable(Reason.TOO_LARGE, f"The image has {width} × {height} pixels, more than can be looked at.")
    builder.page(width=width * 10, height=height * 10, is_scan=True)
    if ocr.is_there():
        ocr.read_image(data, builder)
    else:
        builder.notice(Reason.OCR_MISSING, ocr.MISSING)


def size_of(data: bytes) -> Size:
    try:
        for start, reader in READERS:
            if data.startswith(start):
                return reader(data)
    except (struct.error, IndexError) as reason:
        raise damaged from reason
    raise damaged


def png(data: bytes) -> Size:
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def gif(data: bytes) -> Size:
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def bmp(data: bytes) -> Size:
    width, height = struct.unpack_from("<ii", data, 18)
    return width, abs(height)


def jpeg(data: bytes) -> Size:
    at = 2
    while at + 9 < len(data):
        if data[at] != 0xFF:
            at += 1
            continue
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        if marker in (0xFF, 0x01) or 0xD0 <= marker <= 0xD9:
            at += 1 if marker == 0xFF else 2
            continue
        at += 2 + int(struct.unpack_from(">H", data, at + 2)[0])
    raise damaged


def webp(data: bytes) -> Size:
    match data[12:16]:
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L":
            bits = struct.unpack_from("<I", data, 21)[0]
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
        case _:
            raise damaged


def tiff(data: bytes) -> Size:
    order = "<" if data.startswith(b"II") else ">"
    at = struct.unpack_from(f"{order}I", data, 4)[0]
    found: dict[int, int] = {}
    for index in range(min(200, struct.unpack_from(f"{order}H", data, at)[0])):
        tag, form, _, value = struct.unpack_from(f"{order}HHII", data, at + 2 + 12 * index)
        short = value if order == "<" else value >> 16
        found[tag] = (short & 0xFFFF) if form == 3 else value
    return found.get(256, 0), found.get(257, 0)


READERS: tuple[tuple[bytes, Callable[[bytes], Size]], ...] = (
    (b"\x89PNG\r\n\x1a\n", png),
    (b"\xff\xd8\xff", jpeg),
    (b"GIF8", gif),
    (b"RIFF", webp),
    (b"BM", bmp),
    (b"II*\x00", tiff),
    (b"MM\x00*", tiff),
)
