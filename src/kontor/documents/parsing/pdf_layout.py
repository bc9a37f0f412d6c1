"""Lines of a page made into paragraphs, columns and tables: plain geometry over values."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import NamedTuple

from kontor.documents.parsing.model import Box, Why, around

# Of a line's height: a gap this wide is no space between words but the edge of a column or a cell.
WIDE_GAP = 1.6
LEAST_COLUMN_ROWS = 4
LEAST_COLUMN_CHARACTERS = 16  # on average, in each part of a row: shorter ones are cells
LEAST_TABLE_ROWS = 2
MARK = re.compile(r"[•‣◦▪●○■□·–—*-]|\(?(?:\d{1,3}|[a-z])[.)]")
LEADER = re.compile(r"(?:\. ?){4,}|…{2,}")
MOST_TABLE_CHARACTERS = 60  # on average in a cell


class Word(NamedTuple):
    text: str
    box: Box
    why: Why | None  # hidden, then
    is_bold: bool
    size: int  # tenths of a point
    is_hyphenated: bool = False

    def hyphenated(self) -> "Word":
        return self._replace(is_hyphenated=True)


@dataclass(frozen=True)
class Line:
    words: list[Word]

    @cached_property
    def box(self) -> Box:
        return reduce(around, (word.box for word in self.words))

    @cached_property
    def height(self) -> int:
        return max(1, self.box.bottom - self.box.top)

    @cached_property
    def size(self) -> int:
        """What most of its characters are set in."""
        sizes: dict[int, int] = {}
        for word in self.words:
            # Half points: the same size is not always written the same.
            size = round(word.size / 5) * 5
            sizes[size] = sizes.get(size, 0) + len(word.text)
        return max(sizes, key=lambda size: sizes[size])

    @cached_property
    def is_bold(self) -> bool:
        return all(word.is_bold for word in self.words)

    @property
    def length(self) -> int:
        return sum(len(word.text) + 1 for word in self.words)

    def without_hidden(self) -> "Line | None":
        seen = [word for word in self.words if word.why is None]
        return Line(seen) if seen else None

    def at_gaps(self) -> Iterator["Line"]:
        """Cut where a column or a cell ends; hidden words neither make a gap nor fill one."""
        part: list[Word] = []
        for word in self.words:
            if part and is_gap(part[-1].box, word.box):
                yield Line(part)
                part = []
            part.append(word)
        if part:
            yield Line(part)


def is_gap(left: Box, right: Box) -> bool:
    height = max(left.bottom - left.top, right.bottom - right.top, 1)
    return abs(right.left - left.right) > WIDE_GAP * height and right.left > left.left


@dataclass(frozen=True)
class Layout:
    """A paragraph of lines, or the rows of a table."""

    lines: list[Line]
    is_wrapped: list[bool]  # for each line, whether the next belongs to the same sentence as far as its shape tells
    rows: list[list[Line]] | None = None


def arrange(lines: Sequence[Line]) -> list[Layout]:
    found: list[Layout] = []
    loose: list[Line] = []

    def settle() -> None:
        found.extend(paragraphs(loose))
        loose.clear()

    rows = rows_of(lines)
    index = 0
    while index < len(rows):
        size, gutter = columns_from(rows, index)
        if size:
            settle()
            for column in split_columns(rows[index : index + size], gutter):
                found.extend(paragraphs(column))
            index += size
            continue
        size = table_from(rows, index)
        if size:
            settle()
            found.append(Layout([], [], [list(row) for row in rows[index : index + size]]))
            index += size
            continue
        loose.extend(rows[index])
        index += 1
    settle()
    return found


def rows_of(lines: Sequence[Line]) -> list[list[Line]]:
    """What follows each other in the stream, on one height, from left to right."""
    rows: list[list[Line]] = []
    for line in lines:
        if rows and is_same_row(rows[-1][-1], line):
            rows[-1].append(line)
        else:
            rows.append([line])
    return rows


def is_same_row(left: Line, right: Line) -> bool:
    shared = min(left.box.bottom, right.box.bottom) - max(left.box.top, right.box.top)
    return shared > 0.5 * min(left.height, right.height) and right.box.left >= left.box.right - left.height // 2


def columns_from(rows: Sequence[list[Line]], first: int) -> tuple[int, int]:
    """How many rows from here on are lines of two columns written across, and where the gutter is."""
    if len(rows[first]) != 2:
        return 0, 0
    left, right = rows[first][0].box.right, rows[first][1].box.left
    size, pairs, characters = 0, 0, [0, 0]
    for row in rows[first:]:
        if len(row) == 2:
            narrowed = max(left, row[0].box.right), min(right, row[1].box.left)
            if narrowed[0] >= narrowed[1]:
                break
            left, right = narrowed
            pairs += 1
            characters[0] += row[0].length
            characters[1] += row[1].length
        elif len(row) > 2 or not (row[0].box.right <= right or row[0].box.left >= left):
            break
        size += 1
    least = LEAST_COLUMN_CHARACTERS * pairs
    is_prose = pairs >= LEAST_COLUMN_ROWS and min(characters) >= least and wraps(rows[first : first + size])
    return (size, (left + right) // 2) if is_prose else (0, 0)


def wraps(rows: Sequence[list[Line]]) -> bool:
    """Lines of running text end where the column ends; cells end where they like."""
    firsts = [row[0] for row in rows if len(row) == 2]
    edge = max(line.box.right for line in firsts)
    start = min(line.box.left for line in firsts)
    near = sum(line.box.right >= edge - 0.3 * (edge - start) for line in firsts)
    return near >= 0.5 * len(firsts)


def split_columns(rows: Sequence[list[Line]], gutter: int) -> tuple[list[Line], list[Line]]:
    lines = [line for row in rows for line in row]
    return [line for line in lines if line.box.right <= gutter], [line for line in lines if line.box.right > gutter]


def table_from(rows: Sequence[list[Line]], first: int) -> int:
    """How many rows from here on have the same cells one below the other."""
    wanted = len(rows[first])
    if wanted < 2:
        return 0
    spans = [(line.box.left, line.box.right) for line in rows[first]]
    size, characters = 0, 0
    for row in rows[first:]:
        if len(row) != wanted or (size and row[0].box.top < rows[first][0].box.top):
            break
        widened = [(min(a, line.box.left), max(b, line.box.right)) for (a, b), line in zip(spans, row, strict=True)]
        if any(widened[index][1] > widened[index + 1][0] for index in range(wanted - 1)):
            break
        spans = widened
        characters += sum(line.length for line in row)
        size += 1
    return size if size >= LEAST_TABLE_ROWS and characters <= MOST_TABLE_CHARACTERS * wanted * size else 0


def paragraphs(lines: Sequence[Line]) -> Iterator[Layout]:
    """Cut where a gap, another size or an indent says that something new begins."""
    part: list[Line] = []
    for index, line in enumerate(lines):
        if part and begins(part, line, lines[index + 1] if index + 1 < len(lines) else None):
            yield layout(part)
            part = []
        part.append(line)
    if part:
        yield layout(part)


def begins(  # noqa: PLR0911 - one for each sign of a beginning
    part: Sequence[Line], line: Line, following: Line | None
) -> bool:
    above = part[-1]
    if above.words[-1].is_hyphenated:
        return False
    if is_item(line) and (is_item(part[0]) or ends_sentence(above)):
        return True
    if abs(above.size - line.size) > 0.08 * above.size or above.is_bold != line.is_bold:
        return True
    if is_same_row(above, line):
        return False
    step = line.box.top - above.box.top
    if step < 0:  # a new column, or a place that the file wrote later
        return not continues(above, line)
    usual = part[-1].box.top - part[-2].box.top if len(part) > 1 and part[-1].box.top > part[-2].box.top else None
    if step > (usual * 1.25 if usual else 1.75 * line.height):
        return True
    if is_item(part[0]):
        return line.box.left < part[0].box.left + line.height // 4  # its own lines hang to the right of its mark
    indent = line.box.left - above.box.left
    return indent > line.height // 2 and following is not None and following.box.left <= line.box.left - indent // 2


def continues(above: Line, line: Line) -> bool:
    return not ends_sentence(above) and line.words[0].text[:1].islower()


def ends_sentence(line: Line) -> bool:
    return line.words[-1].text[-1:] in ".!?:;"


def is_item(line: Line) -> bool:
    return len(line.words) > 1 and MARK.fullmatch(line.words[0].text) is not None


def has_leader(text: str) -> bool:
    """The dots between an entry of a table of contents and its page."""
    return LEADER.search(text) is not None


def layout(lines: list[Line]) -> Layout:
    right = max(line.box.right for line in lines)
    left = min(line.box.left for line in lines)
    edge = right - 0.25 * (right - left)
    texts = [" ".join(word.text for word in line.words) for line in lines]
    return Layout(
        lines, [line.box.right >= edge and not has_leader(text) for line, text in zip(lines, texts, strict=True)]
    )
