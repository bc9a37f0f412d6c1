"""True BM25 over tsvectors, in SQL that every PostgreSQL understands (`search_words` in migration 0024).

How many passages hold a lexeme stands in a table of statistics, the length of a passage beside its vector; how often it
occurs in one is read off `ts_rank`, which is exact once it is turned round.

Asked for are two things, one after the other: what the statistics say of the lexemes, from which `plan` decides which
of them find candidates and what each is worth; then the scores. Everything in between is plain reckoning over values.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from kontor.core.units import Connection
from kontor.retrieval.compounds import pieces_of, split
from kontor.retrieval.query import Query, Term
from kontor.retrieval.words import MARK_LENGTH, mark_of, quoted

K1 = 1.2
B = 0.75
# So many passages are scored at most, if the rarest words alone do not have more.
MOST_CANDIDATES = 3000
# And so many at all: who requires a word that is everywhere gets the best of these, and not a pause.
MOST_SCORED = 20_000
MOST_LEXEMES = 48
# Letters in one question to the index, whose time grows with their square; beyond a megabyte it takes none. What is
# longer is asked in parts, of some of the projects each.
LONGEST_TSQUERY = 8_000
MOST_COMPOUNDS = 12  # of one word
MOST_ENDINGS = 24  # of one prefix
# A word inside another says less than the word, and so does a part of what was asked for.
COMPOUND_WEIGHT = 0.6
PART_WEIGHT = 0.4

FIND_STATISTICS = """
SELECT '' AS part, lexeme, sum(passages)::int AS passages, array_agg(project_id) AS projects FROM word_statistics
WHERE project_id = ANY($1::uuid[]) AND lexeme = ANY($2::text[]) GROUP BY lexeme
UNION ALL
SELECT found.* FROM unnest($3::text[]) AS asked(part),
LATERAL (
    SELECT asked.part, statistic.lexeme, sum(statistic.passages)::int, array_agg(project_id)
    FROM word_parts AS whole JOIN word_statistics AS statistic USING (project_id, lexeme)
    WHERE project_id = ANY($1::uuid[]) AND whole.part = asked.part GROUP BY statistic.lexeme
    ORDER BY sum(statistic.passages) DESC, statistic.lexeme LIMIT $5
) AS found
UNION ALL
SELECT found.* FROM unnest($4::text[]) AS asked(part),
LATERAL (
    SELECT asked.part || '*', lexeme, sum(passages)::int, array_agg(project_id) FROM word_statistics
    WHERE project_id = ANY($1::uuid[]) AND lexeme >= asked.part AND lexeme < asked.part || U&'\\+10FFFF'
    GROUP BY lexeme ORDER BY sum(passages) DESC, lexeme LIMIT $6
) AS found
"""
FIND_TOTALS = """
SELECT sum(passages) AS passages, sum(words) AS words FROM word_totals WHERE project_id = ANY($1::uuid[])
"""

TRASHED = "SELECT number, passages, words FROM trashed_words($1, $2, $3)"

# A function of the database's: it may use the index, and asks first what the caller may read.
SCORE = """
SELECT project_id, passage_id, score, terms, parts
FROM search_words($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""

COUNT_WORDS = f"""
INSERT INTO word_statistics (project_id, lexeme, passages)
SELECT $1, substr(word, {MARK_LENGTH + 1}), ndoc
FROM ts_stat(format('SELECT vector FROM passage_words WHERE project_id = %L', $1::uuid))
"""  # noqa: S608 - a number of ours
COUNT_PASSAGES = """
INSERT INTO word_totals (project_id, passages, words, changed_at, counted_at)
SELECT $1, count(*), coalesce(sum(words), 0), now(), clock_timestamp() FROM passage_words WHERE project_id = $1
ON CONFLICT (project_id) DO UPDATE
SET passages = excluded.passages, words = excluded.words, counted_at = excluded.counted_at
"""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of the projects that are searched, and of no more than what was asked about."""

    passages: int
    words: int
    occurring: Mapping[str, int]  # in how many passages each lexeme is
    compounds: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # of a part
    endings: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # of a prefix
    where: Mapping[str, frozenset[UUID]] = field(default_factory=dict)  # the projects that a lexeme is in

    @property
    def mean_words(self) -> float:
        return max(self.words / self.passages, 1.0) if self.passages else 1.0

    def rarity(self, passages: int) -> float:
        """BM25's idf, in the form that is never negative."""
        return math.log(1 + (self.passages - passages + 0.5) / (passages + 0.5))


@dataclass(frozen=True, slots=True)
class Planned:
    """A lexeme, the term that it counts for, and what one that is full of it gets."""

    lexeme: str
    term: int
    worth: float
    passages: int


@dataclass(frozen=True, slots=True)
class Plan:
    query: Query
    finding: tuple[str, ...]  # the lexemes that find candidates; nothing can be found without one
    lexemes: tuple[Planned, ...]
    terms: tuple[str, ...]
    known: float  # of what was asked for, by rarity, the share that occurs at all


@dataclass(frozen=True, slots=True)
class WordHit:
    project_id: UUID
    passage_id: UUID
    score: float
    terms: Mapping[str, float]  # what each contributed


def widened(query: Query, statistics: Statistics) -> list[Term]:
    """The terms with everything that counts as them in this project: compounds, endings; and the parts of compounds."""
    made: list[Term] = []
    for term in query.terms:
        lexemes = dict(term.lexemes)
        for compound in statistics.compounds.get(term.german or "", {}):
            lexemes.setdefault(compound, COMPOUND_WEIGHT)
        if term.prefix is not None:
            lexemes |= dict.fromkeys(statistics.endings.get(term.prefix, {}), 1.0)
        made.append(replace(term, lexemes=lexemes))
    asked = {lexeme for term in query.terms for lexeme in term.lexemes}
    for term in query.terms:
        for part in split(term.german or "", statistics.occurring):
            if part not in asked:
                made.append(Term(part, {part: 1.0}, weight=PART_WEIGHT))
    return made


def plan(query: Query, statistics: Statistics, *, most: int = MOST_CANDIDATES) -> Plan:
    occurring = dict(statistics.occurring)
    for more in (*statistics.compounds.values(), *statistics.endings.values()):
        occurring.update(more)
    terms = widened(query, statistics)
    planned = [
        Planned(lexeme, number, term.weight * weight * statistics.rarity(occurring[lexeme]), occurring[lexeme])
        for number, term in enumerate(terms)
        for lexeme, weight in term.lexemes.items()
        if lexeme in occurring
    ]
    planned = sorted(planned, key=lambda lexeme: -lexeme.worth)[:MOST_LEXEMES]
    return Plan(
        query=query,
        finding=_finding(planned, most),
        lexemes=tuple(planned),
        terms=tuple(term.text for term in terms),
        known=_known(terms, occurring, statistics),
    )


def _finding(planned: Sequence[Planned], most: int) -> tuple[str, ...]:
    """The rarest first until they have enough passages between them: the common ones say little, and still score."""
    chosen: dict[str, None] = {}
    found = 0
    for lexeme in sorted(planned, key=lambda lexeme: (lexeme.passages, lexeme.lexeme)):
        if chosen and found + lexeme.passages > most:
            break
        chosen[lexeme.lexeme] = None
        found += lexeme.passages
    return tuple(chosen)


def matching(made: Plan, statistics: Statistics, project_id: UUID) -> str | None:
    """A tsquery for the candidates in one project."""
    mark = mark_of(project_id)
    filters = made.query.filters(mark)
    if made.query.required:  # they find few enough by themselves, and all that they find counts
        return filters if _may_hold(made.query, statistics, project_id) else None
    present = [quoted(mark + lexeme) for lexeme in made.finding if project_id in statistics.where.get(lexeme, ())]
    if not present:
        return None
    any_of = "(" + " | ".join(present) + ")"
    return f"{any_of} & {filters}" if filters else any_of


def _may_hold(query: Query, statistics: Statistics, project_id: UUID) -> bool:
    """False where a word that is demanded was asked about, and is nowhere in the project."""
    asked = {lexeme for term in query.terms for lexeme in term.lexemes}
    return not any(
        asked.issuperset(word) and not any(project_id in statistics.where.get(lexeme, ()) for lexeme in word)
        for phrase in query.required
        for word in (phrase.words[:-1] if phrase.is_prefix else phrase.words)
    )


def _known(terms: Sequence[Term], occurring: Mapping[str, int], statistics: Statistics) -> float:
    total = found = 0.0
    for term in terms:
        if term.weight < 1:
            continue
        passages = max((occurring.get(lexeme, 0) for lexeme in term.lexemes), default=0)
        rarity = statistics.rarity(passages)
        total += rarity
        found += rarity if passages else 0
    return found / total if total else 0.0


async def statistics_for(
    connection: Connection, projects: Sequence[UUID], query: Query, *, hiding: Sequence[UUID] = ()
) -> Statistics:
    """`hiding` are those of the projects whose trash the person may not look into: its words are taken off."""
    german = [term.german for term in query.terms if term.german]
    # Whatever could be a part of a compound that was asked for is asked about too.
    pieces = {piece for word in german for piece in pieces_of(word)}
    asked = {lexeme for term in query.terms for lexeme in term.lexemes} | pieces
    prefixes = [term.prefix for term in query.terms if term.prefix]
    totals = await connection.fetchrow(FIND_TOTALS, projects)
    if totals is None or not totals["passages"]:
        return Statistics(0, 0, {})
    rows = await connection.fetch(
        FIND_STATISTICS, projects, list(asked), german, prefixes, MOST_COMPOUNDS, MOST_ENDINGS
    )
    occurring: dict[str, int] = {}
    inside: dict[str, dict[str, int]] = {}
    endings: dict[str, dict[str, int]] = {}
    where: dict[str, frozenset[UUID]] = {}
    hidden = (
        await hidden_in(connection, hiding, {lexeme: holding for _, lexeme, _, holding in rows}) if hiding else Hidden()
    )
    for part, lexeme, counted, holding in rows:
        passages = counted - hidden.occurring.get(lexeme, 0)
        if passages <= 0:
            continue
        where[lexeme] = frozenset(holding)
        if not part:
            occurring[lexeme] = passages
        elif part.endswith("*"):
            endings.setdefault(part[:-1], {})[lexeme] = passages
        else:
            inside.setdefault(part, {})[lexeme] = passages
    passages, words = int(totals["passages"]) - hidden.passages, int(totals["words"]) - hidden.words
    return Statistics(max(passages, 0), max(words, 0), occurring, inside, endings, where)


@dataclass(frozen=True, slots=True)
class Hidden:
    """What stands in the trash, of the lexemes that were asked about."""

    passages: int = 0
    words: int = 0
    occurring: Mapping[str, int] = field(default_factory=dict)


async def hidden_in(connection: Connection, hiding: Sequence[UUID], holding: Mapping[str, Sequence[UUID]]) -> Hidden:
    among = frozenset(hiding)
    asked = [(lexeme, project) for lexeme, projects in holding.items() for project in among.intersection(projects)]
    marked = [quoted(mark_of(project) + lexeme) for lexeme, project in asked]
    rows = await connection.fetch(TRASHED, hiding, marked, [project for _, project in asked])
    occurring: dict[str, int] = {}
    passages = words = 0
    for number, counted, of_words in rows:
        if not number:
            passages, words = counted, of_words
        else:
            lexeme = asked[number - 1][0]
            occurring[lexeme] = occurring.get(lexeme, 0) + counted
    return Hidden(passages, words, occurring)


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What of the projects is searched: everything, or these documents, or these pages (from 1)."""

    documents: Sequence[UUID] | None = None
    page_from: int | None = None
    page_to: int | None = None


EVERYTHING = Narrowed()


async def score(
    connection: Connection,
    projects: Sequence[UUID],
    made: Plan,
    statistics: Statistics,
    narrowed: Narrowed = EVERYTHING,
    *,
    limit: int = 100,
) -> list[WordHit]:
    """In the unit of the person who searches: nothing of what they may not read is found."""
    candidates = [tsquery for project_id in projects if (tsquery := matching(made, statistics, project_id))]
    if not candidates or not made.lexemes:
        return []
    if sum(map(len, candidates)) > LONGEST_TSQUERY and len(projects) > 1:
        halves = projects[: len(projects) // 2], projects[len(projects) // 2 :]
        found = [
            hit for half in halves for hit in await score(connection, half, made, statistics, narrowed, limit=limit)
        ]
        return sorted(found, key=lambda hit: (-hit.score, hit.passage_id))[:limit]
    among = frozenset(projects)
    asked = [
        (quoted(mark_of(project_id) + lexeme.lexeme), lexeme, project_id)
        for lexeme in made.lexemes
        for project_id in statistics.where.get(lexeme.lexeme, frozenset()) & among
    ]
    rows = await connection.fetch(
        SCORE,
        projects,
        " | ".join(f"({tsquery})" for tsquery in candidates),
        [marked for marked, _, _ in asked],
        [lexeme.worth for _, lexeme, _ in asked],
        [lexeme.term for _, lexeme, _ in asked],
        [project_id for _, _, project_id in asked],
        K1,
        B,
        statistics.mean_words,
        MOST_SCORED,
        limit,
        narrowed.documents,
        narrowed.page_from,
        narrowed.page_to,
    )
    return [
        WordHit(
            UUID(int=row["project_id"].int),  # the driver has a class of its own
            UUID(int=row["passage_id"].int),
            row["score"],
            {made.terms[term]: part for term, part in zip(row["terms"], row["parts"], strict=True)},
        )
        for row in rows
    ]
