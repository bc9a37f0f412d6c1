"""XLSX, streamed row by row: each sheet a page with a table, its cells as they are shown."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal, cast

from lxml import etree

from kontor.documents.parsing.archive import Archive
from kontor.documents.parsing.builder import Builder, Run
from kontor.documents.parsing.limits import Reason, Unreadable
from kontor.documents.parsing.markup import attribute, child, local, of_syntax, optional, xml
from kontor.documents.parsing.model import BlockKind, Why
from kontor.documents.parsing.slides import relation_of, relations
from kontor.documents.parsing.word import core_properties

PARSER = "xlsx-1"
MAIN = "xl/workbook.xml"
DIGITS = re.compile(r"([#0?][#0?,]*)(?:\.([#0?]+))?(E[+-]?0+)?", re.IGNORECASE)
PLACE = re.compile(r"[#0?][#0?,.]*(?:E[+-]?0+)?", re.IGNORECASE)
MOST_DECIMALS = 30
MOST_COLUMNS = 16_384
MOST_SHARED = 2_000_000
EPOCH, EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001 - a cell has no zone
BUILT_IN = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 14: "yyyy-mm-dd",
    15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss",
    22: "yyyy-mm-dd h:mm", 37: "#,##0", 38: "#,##0", 39: "#,##0.00", 40: "#,##0.00", 45: "mm:ss", 46: "[h]:mm:ss",
    47: "mm:ss.0", 48: "##0.0E+0", 49: "@",
}  # fmt: skip
LITERAL = re.compile(r'"([^"]*)"|\\(.)|_.|\*.|\[(?!h+\]|m+\]|s+\])\$?([^\]\-]*)[^\]]*\]')
DATE_PART = re.compile(r"AM/PM|A/P|\[h+\]|y+|m+|d+|h+|s+(?:\.0+)?", re.IGNORECASE)


def read_xlsx(archive: Archive, builder: Builder) -> None:
    core_properties(archive, builder)
    root = xml(archive.read(MAIN))
    targets = relations(archive, MAIN)
    epoch = EPOCH_1904 if attribute(child(root, "workbookPr"), "date1904") in ("1", "true") else EPOCH
    sheets = list(root.iterfind("{*}sheets/{*}sheet"))
    if len(sheets) > builder.limits.pages:
        raise Unreadable(Reason.TOO_MANY_PARTS, f"The file has more than {builder.limits.pages} sheets.")
    builder.expected_pages = len(sheets)
    shared, formats = shared_texts(archive), formats_of(archive)
    for sheet in sheets:
        name, target = attribute(sheet, "name"), targets.get(relation_of(sheet), "")
        if target not in archive:
            continue
        builder.page(name=name)
        is_hidden = attribute(sheet, "state") in ("hidden", "veryHidden")
        if not is_hidden:
            builder.block(BlockKind.HEADING, name, 1)
        rows = Sheet(archive, target, shared, formats, epoch).rows()
        if is_hidden:
            builder.hide("\n".join("\t".join(run.text for cell in row for run in cell) for row in rows), Why.HIDDEN)
        else:
            builder.table(rows)


def shared_texts(archive: Archive) -> list[str]:
    if "xl/sharedStrings.xml" not in archive:
        return []
    texts: list[str] = []
    for entry in elements(archive, "xl/sharedStrings.xml", "si"):
        texts.append(shown_text(entry))
        if len(texts) > MOST_SHARED:
            raise Unreadable(Reason.TOO_MANY_PARTS, "The file has more texts than anybody writes into cells.")
    return texts


def shown_text(entry: etree._Element) -> str:
    """Without the signs that East Asian texts are read out by."""
    return "".join(
        piece.text or ""
        for piece in entry.iter("{*}t")
        if not any(local(above) == "rPh" for above in piece.iterancestors())
    )


def formats_of(archive: Archive) -> list[str]:
    """The number format of each cell style."""
    root = optional(archive, "xl/styles.xml")
    if root is None:
        return []
    own = {attribute(entry, "numFmtId"): attribute(entry, "formatCode") for entry in root.iter("{*}numFmt")}
    styles = child(root, "cellXfs")
    numbers = [attribute(entry, "numFmtId", "0") for entry in (() if styles is None else styles)]
    return [own.get(number) or BUILT_IN.get(int(number) if number.isdigit() else 0, "") for number in numbers]


def elements(archive: Archive, part: str, name: str) -> Iterator[etree._Element]:
    """Of this name, one after the other; what was read is let go."""
    with archive.open(part) as stream:
        events = etree.iterparse(
            stream,
            events=("end",), tag=f"{{*}}{name}", resolve_entities=False, no_network=True, load_dtd=False,
            huge_tree=False,
        )  # fmt: skip
        try:
            for _, found in events:
                element = cast("etree._Element", found)
                yield element
                element.clear()
                while element.getprevious() is not None:
                    parent = element.getparent()
                    if parent is None:
                        break
                    del parent[0]
        except etree.XMLSyntaxError as reason:
            raise of_syntax(reason) from reason


class Sheet:
    def __init__(self, archive: Archive, part: str, shared: list[str], formats: list[str], epoch: datetime) -> None:
        self._archive, self._part, self._shared, self._formats, self._epoch = archive, part, shared, formats, epoch

    def rows(self) -> Iterator[list[list[Run]]]:
        for row in elements(self._archive, self._part, "row"):
            is_hidden = attribute(row, "hidden") in ("1", "true")
            cells: list[list[Run]] = []
            for cell in row:
                column = column_of(cell.get("r") or "", len(cells))
                text = self.text(cell)
                if column >= MOST_COLUMNS or not text:
                    continue
                cells += [[] for _ in range(column - len(cells) + 1)]
                cells[column] = [Run(text, Why.HIDDEN if is_hidden else None)]
            if cells:
                yield cells

    def text(self, cell: etree._Element) -> str:
        value = cell.findtext("{*}v") or ""
        match cell.get("t"):
            case "s":
                return self._shared[int(value)] if value.isdigit() and int(value) < len(self._shared) else ""
            case "inlineStr":
                return shown_text(cell)
            case "b":
                return "TRUE" if value == "1" else "FALSE"
            case "str" | "e" | "d":
                return value
            case _:
                style = cell.get("s") or "0"
                index = int(style) if style.isdigit() else 0
                return shown(value, self._formats[index] if index < len(self._formats) else "", self._epoch)


def column_of(place: str, otherwise: int) -> int:
    """Of "AB12"."""
    number = 0
    for letter in place:
        if not "A" <= letter <= "Z":
            break
        number = min(1_000_000, number * 26 + ord(letter) - 64)
    return number - 1 if number else otherwise


def shown(value: str, form: str, epoch: datetime = EPOCH) -> str:
    """A number as its format shows it, with English marks: which country's the reader's Excel uses, no file says."""
    try:
        number = float(value)
    except ValueError:
        return value
    sections = form.split(";")
    has_own_section = number < 0 and len(sections) > 1
    section = sections[1] if has_own_section else sections[0]
    match sort_of(section):
        case "general":
            return general(value, number)
        case "date":
            return shown_date(number, section, epoch)
        case _:
            return number_form(section).shown(-number if has_own_section else number)


@lru_cache(1_000)
def sort_of(section: str) -> Literal["general", "date", "number"]:
    bare = LITERAL.sub("", section)
    if not bare or bare in ("@", "General"):
        return "general"
    is_date = DATE_PART.search(bare) is not None and not set("0#?") & set(bare.replace(".0", ""))
    return "date" if is_date else "number"


def general(value: str, number: float) -> str:
    if "." not in value and "e" not in value.lower():
        return value
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else f"{number:.15g}"


@dataclass(frozen=True, slots=True)
class NumberForm:
    before: str
    after: str
    shape: str  # for Python's own formatting; without one there is nothing but the text around it
    optional: int  # digits behind the point that are shown only when they are not 0
    factor: float

    def shown(self, number: float) -> str:
        digits = format(number * self.factor, self.shape) if self.shape else ""
        if self.optional:
            digits = digits[: -self.optional] + digits[-self.optional :].rstrip("0")
            digits = digits.removesuffix(".")
        return f"{self.before}{digits}{self.after}".strip()


@lru_cache(1_000)
def number_form(section: str) -> NumberForm:
    bare = LITERAL.sub("", section)
    places = DIGITS.search(bare)
    factor = 100.0 ** min(3, bare.count("%"))
    if places is None:
        return NumberForm(literal(section), "", "", 0, factor)
    before, _, after = literal(PLACE.sub("\0", section, count=1)).partition("\0")
    decimals = (places[2] or "")[:MOST_DECIMALS]
    if places[3]:
        return NumberForm(before, after, f".{len(decimals)}E", 0, factor)
    grouping = "," if "," in places[1] else ""
    optional = len(decimals) - len(decimals.rstrip("#?"))
    return NumberForm(before, after, f"{grouping}.{len(decimals)}f", optional, factor)


def literal(section: str) -> str:
    return LITERAL.sub(lambda found: found[1] or found[2] or found[3] or "", section)


def shown_date(number: float, section: str, epoch: datetime) -> str:
    try:
        moment = epoch + timedelta(seconds=round(number * 86_400))
    except OverflowError:
        return f"{number:g}"
    bare = literal(section).replace("General", "")
    has_noon = "AM/PM" in bare.upper() or "A/P" in bare.upper()
    after_hour = False

    def part(found: "re.Match[str]") -> str:  # noqa: PLR0911 - one for each sign
        nonlocal after_hour
        token = found[0].lower()
        was_hour, after_hour = after_hour, token[0] in "h["
        following = bare[found.end() :].lstrip(": ")[:1].lower()
        match token[0]:
            case "[":
                return str(int(number * 24))
            case "y":
                return f"{moment.year:04}" if len(token) > 2 else f"{moment.year % 100:02}"
            case "m" if was_hour or following == "s":
                return f"{moment.minute:0{min(2, len(token))}}"
            case "m" if len(token) > 2:
                return moment.strftime("%b" if len(token) == 3 else "%B")
            case "m":
                return f"{moment.month:0{len(token)}}"
            case "d" if len(token) > 2:
                return moment.strftime("%a" if len(token) == 3 else "%A")
            case "d":
                return f"{moment.day:0{len(token)}}"
            case "h":
                hour = (moment.hour % 12 or 12) if has_noon else moment.hour
                return f"{hour:0{min(2, len(token))}}"
            case "s":
                return f"{moment.second:02}"
            case _:
                return "AM" if moment.hour < 12 else "PM"

    return DATE_PART.sub(part, bare).strip()
