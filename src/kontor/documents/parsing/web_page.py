"""HTML: the main text of a page, or all of a file that is nothing else. No script runs, nothing is fetched.

What surrounds the main text (menus, banners, footers) is kept apart as hidden, so that nothing of a file is lost. A
file without such parts is taken whole: better too much than a page without its text.
"""

import re
from dataclasses import dataclass, field

import orjson
from lxml import etree

from kontor.documents.parsing.archive import damaged
from kontor.documents.parsing.builder import Builder, Run, one_line
from kontor.documents.parsing.limits import Reason, Unreadable
from kontor.documents.parsing.markup import all_text
from kontor.documents.parsing.model import BlockKind, Why
from kontor.documents.parsing.names import names

PARSER = "html-1"
HEADINGS = {f"h{level}": level for level in range(1, 7)}
BLOCKS = names(
    "p div section article main header footer aside nav ul ol li dl dt dd table tr td th caption thead tbody tfoot "
    "form fieldset figure figcaption blockquote pre address hr h1 h2 h3 h4 h5 h6 body details summary hgroup option"
)
DROPPED = names("script style head svg math iframe object embed canvas template select textarea button")
ASIDE_TAGS = names("nav aside footer")
ASIDE_ROLES = names("navigation banner contentinfo complementary search dialog alertdialog")
ASIDE_NAME = re.compile(
    r"(?:^|[-_\s])(?:cookie|consent|gdpr|breadcrumbs?|share|sharing|social|sidebar|newsletter|related|promo|advert\w*|"
    r"ads?|navbar|nav|menu|menubar|footer|skip|popup|modal|paywall|comments?)(?:$|[-_\s])",
    re.IGNORECASE,
)
ENOUGH = 0.4  # of a page's text: less is not its main part
LINKED = 0.5  # of a part's text in links: more is a menu
HIDDEN_STYLE = re.compile(
    r"display:none|visibility:hidden|opacity:0(?:\.0+)?(?:;|$)|(?:left|top|text-indent):-\d{3,}|clip:rect\(0"
)
TINY_STYLE = re.compile(r"font-size:(?:0|[01](?:\.\d+)?p[xt])(?:[a-z%]|;|!|$)")
WHITE_STYLE = re.compile(r"(?:^|;)color:(?:#fff(?:fff)?|white|rgb\(255,255,255\))(?:;|!|$)")
TITLES = ("og:title", "twitter:title", "dc.title", "citation_title")
AUTHORS = ("author", "article:author", "dc.creator", "citation_author", "parsely-author")
DATES = ("article:published_time", "date", "dc.date", "dcterms.date", "citation_publication_date", "datepublished",
         "pubdate")  # fmt: skip
ISO_DATE = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:?\d{2})?)?)?)?")
MOST_ELEMENTS = 1_500_000


def read_html(text: str, builder: Builder, *, is_whole: bool = False) -> None:
    root = parsed(text)
    facts(root, builder)
    builder.page()
    Page(builder, set() if is_whole else asides(root)).walk(root)


def parsed(text: str) -> etree._Element:
    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=False, recover=True
    )
    try:
        root = etree.fromstring(text.encode("utf-8", "replace") or b"<p>", parser)
    except etree.XMLSyntaxError as reason:
        if "depth" in str(reason).lower():
            raise Unreadable(Reason.TOO_DEEP, "The page is nested deeper than anything that people write.") from reason
        raise damaged from reason
    if root is None:
        raise damaged
    return root


def facts(root: etree._Element, builder: Builder) -> None:
    """Title, author and date, where the page tells them to machines."""
    told = {
        (meta.get("property") or meta.get("name") or meta.get("itemprop") or "").lower(): meta.get("content") or ""
        for meta in root.iter("meta")
    }
    linked = linked_data(root)
    title = next(root.iter("title"), None)
    heading = next(root.iter("h1"), None)
    builder.title = first(told, TITLES) or one_line(all_text(title)) or one_line(all_text(heading))
    author = first(told, AUTHORS) or linked.get("author", "")
    builder.author = "" if author.startswith(("http://", "https://")) else author
    time = next((entry for entry in root.iter("time") if entry.get("datetime")), None)
    spoken = first(told, DATES) or linked.get("date", "") or ("" if time is None else time.get("datetime") or "")
    found = ISO_DATE.match(spoken.strip())
    builder.date = found[0] if found else ""


def linked_data(root: etree._Element) -> dict[str, str]:
    for script in root.iter("script"):
        if (script.get("type") or "").lower() != "application/ld+json":
            continue
        try:
            data = orjson.loads(all_text(script))
        except orjson.JSONDecodeError:
            continue
        entries = data if isinstance(data, list) else data.get("@graph", [data]) if isinstance(data, dict) else []
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict) and "datePublished" in entry:
                author = entry.get("author")
                author = author[0] if isinstance(author, list) and author else author
                name = author.get("name") if isinstance(author, dict) else author
                return {"date": str(entry["datePublished"]), "author": name if isinstance(name, str) else ""}
    return {}


def first(told: dict[str, str], names: tuple[str, ...]) -> str:
    return next((told[name].strip() for name in names if told.get(name, "").strip()), "")


# What the main text is


@dataclass
class Weight:
    """Characters of a part, and how many of them are links."""

    characters: int = 0
    linked: int = 0
    elements: list[etree._Element] = field(default_factory=list)


def asides(root: etree._Element) -> set[etree._Element]:
    """The parts around the main text. Weighed from the leaves up, in one pass and without recursion."""
    weights: dict[etree._Element, Weight] = {}
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "start":
            weights[element] = Weight(0 if element.tag in DROPPED else len((element.text or "").strip()))
            continue
        weight = weights[element]
        if element.tag == "a":
            weight.linked = weight.characters
        above = element.getparent()
        if above is not None:
            weights[above].characters += weight.characters + len((element.tail or "").strip())
            weights[above].linked += weight.linked
    whole = max(1, weights[root].characters)
    main = main_part(root, weights, whole)
    found: set[etree._Element] = set()
    if main is not None:
        keep = {main, *main.iterancestors()}
        for element in keep - {main}:
            found |= {entry for entry in element if entry not in keep and entry.tag not in ("head",)}
    for element in (root if main is None else main).iter():
        part = weights.get(element)
        if part is not None and part.characters < ENOUGH * whole and is_aside(element, part):
            found.add(element)
    taken = sum(weights[entry].characters for entry in found if not any(up in found for up in entry.iterancestors()))
    return found if main is not None or taken <= 0.7 * whole else set()


def main_part(root: etree._Element, weights: dict[etree._Element, Weight], whole: int) -> etree._Element | None:
    mains = [entry for entry in root.iter() if entry.tag == "main" or entry.get("role") == "main"]
    articles = [entry for entry in root.iter("article") if next(entry.iterancestors("article"), None) is None]
    for candidates in (articles if len(articles) == 1 else [], mains[:1]):
        for entry in candidates:
            if weights[entry].characters >= ENOUGH * whole:
                return entry
    return None


def is_aside(element: etree._Element, weight: Weight) -> bool:
    if element.tag in ASIDE_TAGS or element.get("role") in ASIDE_ROLES:
        return True
    if element.tag == "header":
        # Of the site, not of an article, whose header has its title.
        return next(element.iterancestors("article", "main"), None) is None and next(element.iter("h1"), None) is None
    is_linked = weight.linked > LINKED * max(1, weight.characters)
    named = f"{element.get('class') or ''} {element.get('id') or ''}"
    return element.tag in ("div", "section", "ul", "form") and is_linked and ASIDE_NAME.search(named) is not None


# What it says


@dataclass
class Page:
    """Walks the elements by their beginnings and ends, so that no depth of theirs is a depth of ours."""

    builder: Builder
    asides: set[etree._Element]
    runs: list[Run] = field(default_factory=list)
    whys: list[Why] = field(default_factory=list)
    dropped: int = 0
    pre: int = 0
    lists: list[int] = field(default_factory=list)  # the next number, or 0 for a list of points
    heading: int = 0
    item: bool = False
    rows: list[list[list[Run]]] = field(default_factory=list)
    tables: int = 0
    cell: bool = False
    seen: int = 0

    def walk(self, root: etree._Element) -> None:
        for event, element in etree.iterwalk(root, events=("start", "end")):
            if event == "start":
                self.start(element)
            else:
                self.end(element)
        self.flush()

    def start(self, element: etree._Element) -> None:
        self.seen += 1
        if self.seen > MOST_ELEMENTS:
            raise Unreadable(Reason.TOO_MANY_PARTS, "The page has more elements than anybody writes.")
        tag = element.tag
        if self.dropped or tag in DROPPED:
            self.dropped += 1
            return
        if tag in BLOCKS and not self.tables:
            self.flush()
        why = why_of(element) or (Why.ASIDE if element in self.asides else None)
        if why is not None:
            self.whys.append(why)
        self.open(element, str(tag))
        self.say(element.text)

    def open(self, element: etree._Element, tag: str) -> None:
        match tag:
            case "br":
                self.runs.append(self.run("\n"))
            case "pre":
                self.pre += 1
            case "ul" | "ol" if not self.tables:
                self.lists.append(1 if tag == "ol" else 0)
            case "li" if not self.tables:
                self.item = True
                if self.lists and self.lists[-1]:
                    self.runs.append(self.run(f"{self.lists[-1]}. "))
                    self.lists[-1] += 1
                else:
                    self.runs.append(self.run("• "))
            case "table":
                self.tables += 1
            case "tr" if self.tables == 1:
                self.rows.append([])
            case "td" | "th" if self.tables == 1:
                self.runs = []
                self.cell = True
            case "img" if element.get("alt"):
                self.runs.append(self.run(f" {element.get('alt')} "))
            case _ if tag in HEADINGS:
                self.heading = HEADINGS[tag]
            case _ if self.tables and tag in BLOCKS:
                self.runs.append(self.run(" "))

    def end(self, element: etree._Element) -> None:
        tag = str(element.tag)
        if self.dropped:
            self.dropped -= 1
            if not self.dropped:
                self.say(element.tail)
            return
        if tag == "table":
            self.tables -= 1
            if not self.tables:
                self.end_table()
        elif tag in ("td", "th") and self.tables == 1:
            if not self.rows:
                self.rows.append([])
            self.rows[-1].append(self.runs)
            self.runs = []
            self.cell = False
        elif tag in BLOCKS and not self.tables:
            self.flush()
        if tag in ("ul", "ol") and self.lists and not self.tables:
            self.lists.pop()
        elif tag == "pre":
            self.pre -= 1
        elif tag in HEADINGS:
            self.heading = 0
        if why_of(element) is not None or element in self.asides:
            self.whys.pop()
        self.say(element.tail)

    def say(self, text: str | None) -> None:
        if text:
            self.runs.append(self.run(text if self.pre else SPACE.sub(" ", text)))

    def run(self, text: str) -> Run:
        return Run(text, self.whys[0] if self.whys else None)

    def flush(self) -> None:
        runs, self.runs = self.runs, []
        is_item, self.item = self.item, False
        if is_item and not any(run.text.strip(" •\n") for run in runs):
            return
        if not self.pre:
            runs = without_double_spaces(runs)
        if self.heading:
            self.builder.block(BlockKind.HEADING, runs, self.heading)
        elif is_item:
            self.builder.block(BlockKind.ITEM, runs, max(1, min(9, len(self.lists))))
        else:
            self.builder.block(BlockKind.CODE if self.pre else BlockKind.PARAGRAPH, runs)

    def end_table(self) -> None:
        rows, self.rows, self.runs = [row for row in self.rows if row], [], []
        if any(len(row) > 1 for row in rows) and len(rows) > 1:
            self.builder.table(rows)
            return
        for row in rows:  # a table for the looks of a page
            for cell in row:
                self.builder.block(BlockKind.PARAGRAPH, without_double_spaces(cell))


SPACE = re.compile(r"[ \t\r\n\f]+")


def without_double_spaces(runs: list[Run]) -> list[Run]:
    """As a browser does: one space where two elements each brought one, none beside a break."""
    found: list[Run] = []
    for run in runs:
        text = run.text
        before = next((entry.text for entry in reversed(found) if entry.why is run.why and entry.text), "\n")
        if before[-1] in " \n":
            text = text.lstrip(" ")
        if text:
            found.append(Run(text, run.why))
    return found


def why_of(element: etree._Element) -> Why | None:
    if element.get("hidden") is not None:
        return Why.HIDDEN
    style = element.get("style")
    if not style:
        return None
    bare = SPACE.sub("", style).lower()
    if HIDDEN_STYLE.search(bare):
        return Why.HIDDEN
    if TINY_STYLE.search(bare):
        return Why.TINY
    return Why.WHITE if WHITE_STYLE.search(bare) and "background" not in bare else None
