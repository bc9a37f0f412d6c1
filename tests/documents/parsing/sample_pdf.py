"""PDF files written by hand, operator by operator, so that a test says where each word stands."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

LINE = 14.0


@dataclass
class Pdf:
    width: float = 595.0
    height: float = 842.0
    rotation: int = 0
    pages: list[list[str]] = field(default_factory=list)
    info: dict[str, str] = field(default_factory=dict)
    image: bool = False
    encrypted: bool = False

    def page(self) -> "Pdf":
        self.pages.append([])
        return self

    def text(
        self,
        x: float,
        top: float,
        text: str,
        *,
        size: float = 11,
        bold: bool = False,
        colour: str = "0 g",
        mode: int = 0,
    ) -> "Pdf":
        """A line whose baseline is `top` points below the page's edge. Characters 1 and 2 are the ligatures fi, fl."""
        font = "F2" if bold else "F1"
        shown = text.encode("cp1252").replace(b"\\", rb"\\").replace(b"(", rb"\(").replace(b")", rb"\)")
        self.pages[-1].append(
            f"{colour} BT {mode} Tr /{font} {size} Tf 1 0 0 1 {x} {self.height - top} Tm "
            f"({shown.decode('latin-1')}) Tj ET"
        )
        return self

    def lines(self, x: float, top: float, lines: Sequence[str], *, size: float = 11, step: float = LINE) -> "Pdf":
        for number, line in enumerate(lines):
            self.text(x, top + number * step, line, size=size)
        return self

    def fill(self, x: float, top: float, width: float, height: float, colour: str) -> "Pdf":
        self.pages[-1].append(f"{colour} {x} {self.height - top - height} {width} {height} re f")
        return self

    def picture(self) -> "Pdf":
        """One grey image over the whole page, as a scanner makes it."""
        self.image = True
        self.pages[-1].append(f"q {self.width} 0 0 {self.height} 0 0 cm /Im1 Do Q")
        return self

    def bytes(self) -> bytes:
        objects: list[bytes] = [b"", b""]  # the catalogue and the pages, once the others have their numbers
        fonts = []
        for name in ("Helvetica", "Helvetica-Bold"):
            objects.append(
                b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding << /BaseEncoding /WinAnsiEncoding "
                b"/Differences [1 /fi /fl] >> >>" % name.encode()
            )
            fonts.append(len(objects))
        resources = b"/Font << /F1 %d 0 R /F2 %d 0 R >>" % (fonts[0], fonts[1])
        if self.image:
            grey = zlib.compress(bytes([200]) * 64)
            objects.append(
                b"<< /Type /XObject /Subtype /Image /Width 8 /Height 8 /ColorSpace /DeviceGray /BitsPerComponent 8 "
                b"/Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (len(grey), grey)
            )
            resources += b" /XObject << /Im1 %d 0 R >>" % len(objects)
        kids = []
        for page in self.pages:
            content = zlib.compress("\n".join(page).encode("latin-1"))
            objects.append(b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(content), content))
            objects.append(
                b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %g %g] /Rotate %d /Resources << %s >> /Contents %d 0 R >>"
                % (self.width, self.height, self.rotation, resources, len(objects))
            )
            kids.append(b"%d 0 R" % len(objects))
        objects[0] = b"<< /Type /Catalog /Pages 2 0 R >>"
        objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), len(kids))
        trailer = b"/Root 1 0 R"
        if self.info:
            entries = b" ".join(b"/%s (%s)" % (k.encode(), v.encode("cp1252")) for k, v in self.info.items())
            objects.append(b"<< %s >>" % entries)
            trailer += b" /Info %d 0 R" % len(objects)
        if self.encrypted:
            objects.append(
                b"<< /Filter /Standard /V 1 /R 2 /Length 40 /P -44 /O <%s> /U <%s> >>" % (b"ab" * 32, b"cd" * 32)
            )
            trailer += b" /Encrypt %d 0 R /ID [<%s> <%s>]" % (len(objects), b"00" * 16, b"00" * 16)
        return assemble(objects, trailer)


def assemble(objects: Sequence[bytes], trailer: bytes) -> bytes:
    out, places = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer << /Size %d %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, start)
    return bytes(out)
