"""RTF, token by token, with a stack of our own: a file of a million brackets costs a million steps and no more."""

import re
from dataclasses import dataclass, field, replace

from kontor.documents.parsing.builder import Builder, Run
from kontor.documents.parsing.limits import Reason, Unreadable
from kontor.documents.parsing.model import BlockKind, Why
from kontor.documents.parsing.names import names

PARSER = "rtf-1"
TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)"
)
MOST_GROUPS = 5_000
# Groups that hold no text of the document.
SKIPPED = names(
    "fonttbl filetbl listtable listoverridetable rsidtbl generator pict object themedata colorschememapping datastore "
    "latentstyles xmlnstbl bkmkstart bkmkend fldinst mmathPr shppict nonshppict"
)
GOALS = names("stylesheet colortbl info title author creatim footnote header headerl headerf footer footerl footerf")
MARKS = {
    "par": "\n", "line": "\n", "tab": "\t", "emdash": "—", "endash": "–", "bullet": "•", "lquote": "‘", "rquote": "’",
    "ldblquote": "“", "rdblquote": "”", "emspace": " ", "enspace": " ",
}  # fmt: skip
SYMBOLS = {b"~": "\xa0", b"-": "\u00ad", b"_": "-", b"{": "{", b"}": "}", b"\\": "\\", b"\n": "\n", b"\r": "\n"}


@dataclass(frozen=True)
class State:
    goal: str = ""  # where text goes: "" is the document, "skip" nowhere
    why: Why | None = None
    fallback: int = 1  # characters that follow \u for readers that know no Unicode


@dataclass
class RichText:
    builder: Builder
    state: State = State()
    stack: list[State] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    row: list[list[Run]] = field(default_factory=list)
    rows: list[list[list[Run]]] = field(default_factory=list)
    notes: list[Run] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    margins: list[Run] = field(default_factory=list)
    colours: list[list[int]] = field(default_factory=list)
    colour: list[int] = field(default_factory=lambda: [0, 0, 0])
    headings: dict[int, int] = field(default_factory=dict)
    style: int = 0
    level: int = 0
    encoding: str = "cp1252"
    skip: int = 0
    high: int = 0
    is_starred: bool = False
    in_table: bool = False

    def read(self, data: bytes) -> None:
        self.builder.page()
        at = 0
        while at < len(data):
            found = TOKEN.match(data, at)
            if found is None:
                at += 1
                continue
            at = found.end()
            word, number, code, symbol, bracket, text = found.groups()
            if bracket:
                self.bracket(bracket)
            elif word:
                name = word.decode("ascii")
                if name == "bin" and number:
                    at += max(0, int(number))
                else:
                    self.control(name, int(number) if number else None)
            elif code:
                self.say(bytes([int(code, 16)]).decode(self.encoding, "replace"))
            elif symbol:
                if symbol == b"*":
                    self.is_starred = True
                else:
                    self.say(SYMBOLS.get(symbol, ""))
            elif text:
                self.say(text.decode(self.encoding, "replace"))
        self.end_paragraph()
        self.end_table()
        self.builder.block(BlockKind.NOTE, self.notes)
        self.builder.block(BlockKind.HEADER, self.margins)
        self.builder.title = self.kept.get("title", "")
        self.builder.author = self.kept.get("author", "")
        self.builder.date = self.kept.get("date", "")

    def bracket(self, bracket: bytes) -> None:
        self.is_starred = False
        if bracket == b"{":
            if len(self.stack) >= MOST_GROUPS:
                raise Unreadable(Reason.TOO_DEEP, "The file is nested deeper than anything that people write.")
            self.stack.append(self.state)
        elif self.stack:
            if self.state.goal == "stylesheet":
                self.end_style()
            if self.state.goal == "footnote" and self.stack[-1].goal != "footnote":
                self.notes.append(Run("\n"))
            self.state = self.stack.pop()

    def control(self, name: str, number: int | None) -> None:  # noqa: PLR0912 - one for each word
        if self.is_starred and name != "footnote":
            self.is_starred = False
            self.state = replace(self.state, goal="skip")
            return
        if name in SKIPPED:
            self.state = replace(self.state, goal="skip")
        elif name in GOALS:
            self.state = replace(self.state, goal=name)
        elif name in ("v", "deleted"):
            is_on = number != 0
            why = (Why.VANISH if name == "v" else Why.DELETED) if is_on else None
            self.state = replace(self.state, why=why)
        elif name == "fs" and number is not None and self.state.why in (None, Why.TINY):
            self.state = replace(self.state, why=Why.TINY if number <= 4 else None)
        elif name == "cf" and self.state.why in (None, Why.WHITE):
            index = number or 0
            is_white = index < len(self.colours) and min(self.colours[index]) >= 250
            self.state = replace(self.state, why=Why.WHITE if is_white else None)
        elif name == "plain":
            self.state = replace(self.state, why=None)
        elif name == "uc":
            self.state = replace(self.state, fallback=max(0, min(9, number or 0)))
        elif name == "u" and number is not None:
            self.unicode(number % 65_536)
        elif name == "ansicpg" and number:
            self.encoding = encoding_of(number)
        elif self.state.goal == "colortbl":
            self.colour_part(name, number or 0)
        elif self.state.goal == "stylesheet" and name == "s":
            self.style = number or 0
        elif self.state.goal == "creatim":
            self.date_part(name, number or 0)
        else:
            self.shape(name, number)

    def shape(self, name: str, number: int | None) -> None:
        """What makes paragraphs, cells and rows."""
        if self.state.goal == "skip":
            return
        match name:
            case "pard":
                self.level, self.in_table = 0, False
            case "s":
                self.level = self.headings.get(number or 0, 0)
            case "outlinelevel":
                self.level = min(9, (number or 0) + 1)
            case "intbl":
                self.in_table = True
            case "cell":
                self.row.append(self.runs)
                self.runs = []
            case "row":
                self.rows.append(self.row)
                self.row = []
            case "page" | "sect":
                self.end_paragraph()
                self.end_table()
                self.builder.page()
            case "par" if self.state.goal == "" and not self.in_table:
                self.end_paragraph()
            case _ if name in MARKS:
                self.say(MARKS[name])
            case _:
                pass

    def say(self, text: str) -> None:
        if self.skip:
            taken = min(self.skip, len(text))
            self.skip -= taken
            text = text[taken:]
        if not text:
            return
        match self.state.goal:
            case "":
                self.runs.append(Run(text, self.state.why))
            case "footnote":
                self.notes.append(Run(text, self.state.why))
            case "header" | "headerl" | "headerf" | "footer" | "footerl" | "footerf":
                self.margins.append(Run(text, self.state.why))
            case "title" | "author" | "stylesheet":
                self.kept[self.state.goal] = (self.kept.get(self.state.goal, "") + text)[:1_000]
            case "colortbl":
                for _ in range(text.count(";")):
                    self.end_colour()
            case _:
                pass

    def unicode(self, code: int) -> None:
        self.skip = 0
        if 0xD800 <= code < 0xDC00:
            self.high = code
        elif 0xDC00 <= code < 0xE000 and self.high:
            self.say(chr(0x10000 + ((self.high - 0xD800) << 10) + code - 0xDC00))
            self.high = 0
        else:
            self.say(chr(code))
        self.skip = self.state.fallback

    def end_paragraph(self) -> None:
        runs, self.runs = self.runs, []
        if not any(run.text.strip() for run in runs):
            return
        self.end_table()
        kind = BlockKind.HEADING if self.level else BlockKind.PARAGRAPH
        self.builder.block(kind, runs, self.level)

    def end_table(self) -> None:
        rows, self.rows = self.rows, []
        if rows:
            self.builder.table(rows)

    def end_style(self) -> None:
        name = self.kept.pop("stylesheet", "").strip(" ;").lower()
        before, _, number = name.rpartition(" ")
        if before in ("heading", "überschrift") and number.isdigit() and 0 < int(number) < 10:
            self.headings[self.style] = int(number)
        self.style = 0

    def colour_part(self, name: str, number: int) -> None:
        if name in ("red", "green", "blue"):
            self.colour[("red", "green", "blue").index(name)] = number

    def end_colour(self) -> None:
        """The first is the reader's own and says nothing: black, then."""
        self.colours.append(self.colour)
        self.colour = [0, 0, 0]

    def date_part(self, name: str, number: int) -> None:
        date = self.kept.get("date", "")
        if name in ("yr", "mo", "dy"):
            self.kept["date"] = f"{number:04}" if name == "yr" else f"{date}-{number:02}"


def encoding_of(page: int) -> str:
    try:
        b"".decode(f"cp{page}")
    except LookupError:
        return "cp1252"
    return f"cp{page}"


def read_rtf(data: bytes, builder: Builder) -> None:
    RichText(builder).read(data)
