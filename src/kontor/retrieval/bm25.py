"""True BM25 over tsvectors, in SQL that every PostgreSQL understands.

`ts_rank` of a single lexeme, with all weights 1, is the sum of 1/j² up to its number of occurrences, over π²/6. Turned
round, that gives the number of occurrences without unpacking the vector; rounding makes it exact. How many passages
hold a lexeme stands in a table of statistics, the length of a passage beside its vector.

Asked for are two things, one after the other: what the statistics say of the lexemes, from which `plan` decides which
of them find candidates and what each is worth; then the scores. Everything in between is plain reckoning over values.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from kontor.core.units import Connection
from kontor.retrieval.compounds import compounds, pieces_of, split
from kontor.retrieval.query import Query, Term
from kontor.retrieval.words import quoted

K1 = 1.2
B = 0.75
# So many passages are scored at most, if the rarest words alone do not have more.
MOST_CANDIDATES = 3000
# And so many at all: who requires a word that is everywhere gets the best of these, and not a pause.
MOST_SCORED = 20_000
MOST_LEXEMES = 48
MOST_COMPOUNDS = 12  # of one word
MOST_ENDINGS = 24  # of one prefix
# A word inside another says less than the word, and so does a part of what was asked for.
COMPOUND_WEIGHT = 0.6
PART_WEIGHT = 0.4

# The migration says the same in its own words, with policies and for good. `{0}` is "TEMPORARY" or nothing. Vectors
# stay in their rows, whole, as long as one fits a page: each lexeme of a question would unpack a packed one anew.
TABLES = """
CREATE {0} TABLE passage_words (
    project_id uuid NOT NULL,
    passage_id uuid NOT NULL,
    words integer NOT NULL CHECK (words >= 0),
    vector tsvector NOT NULL,
    PRIMARY KEY (project_id, passage_id)
) WITH (toast_tuple_target = 8160);
ALTER TABLE passage_words ALTER COLUMN vector SET STORAGE MAIN;
CREATE INDEX passage_words_vector ON passage_words USING gin (vector);
CREATE {0} TABLE word_statistics (
    project_id uuid NOT NULL,
    lexeme text COLLATE "C" NOT NULL,
    passages integer NOT NULL CHECK (passages > 0),
    PRIMARY KEY (project_id, lexeme) INCLUDE (passages)
);
CREATE {0} TABLE word_totals (
    project_id uuid PRIMARY KEY,
    passages integer NOT NULL,
    words bigint NOT NULL
);
CREATE {0} TABLE word_parts (
    project_id uuid NOT NULL,
    part text COLLATE "C" NOT NULL,
    lexeme text COLLATE "C" NOT NULL,
    PRIMARY KEY (project_id, part, lexeme)
);
"""

FIND_STATISTICS = """
SELECT '' AS part, lexeme, passages FROM word_statistics
WHERE project_id = $1 AND lexeme = ANY($2::text[])
UNION ALL
SELECT found.part, found.lexeme, found.passages FROM unnest($3::text[]) AS asked(part),
LATERAL (
    SELECT asked.part, statistic.lexeme, statistic.passages
    FROM word_parts AS whole JOIN word_statistics AS statistic USING (project_id, lexeme)
    WHERE whole.project_id = $1 AND whole.part = asked.part
    ORDER BY statistic.passages DESC, statistic.lexeme LIMIT $5
) AS found
UNION ALL
SELECT found.part, found.lexeme, found.passages FROM unnest($4::text[]) AS asked(part),
LATERAL (
    SELECT asked.part || '*' AS part, lexeme, passages FROM word_statistics
    WHERE project_id = $1 AND lexeme >= asked.part AND lexeme < asked.part || U&'\\+10FFFF'
    ORDER BY passages DESC, lexeme LIMIT $6
) AS found
"""
FIND_TOTALS = "SELECT passages, words FROM word_totals WHERE project_id = $1"

# The tsquery is a value by then, so the index can be used; `occurrences` is exact up to the 255 that a vector keeps.
SCORE = """
WITH candidates AS MATERIALIZED (
    SELECT passage_id, vector, $7::float8 * (1 - $8::float8 + $8 * words / $9::float8) AS penalty FROM passage_words
    WHERE project_id = $1 AND vector @@ $2::tsquery LIMIT $10
), counted AS (
    SELECT passage_id, penalty, term, worth,
        round(1 / (1.6449340668482264 * (1 - least(ts_rank('{1,1,1,1}', vector, asked), 0.9999))) - 0.5)
        AS occurrences
    FROM candidates CROSS JOIN unnest($3::text[]::tsquery[], $4::float8[], $5::int[]) AS asked(asked, worth, term)
), of_terms AS (
    SELECT passage_id, term, max(worth * occurrences * ($7::float8 + 1) / (occurrences + penalty)) AS score
    FROM counted WHERE occurrences > 0 GROUP BY passage_id, term
)
SELECT passage_id, sum(score) AS score, array_agg(term ORDER BY term) AS terms, array_agg(score ORDER BY term) AS parts
FROM of_terms GROUP BY passage_id ORDER BY sum(score) DESC, passage_id LIMIT $6
"""

COUNT_WORDS = """
INSERT INTO word_statistics (project_id, lexeme, passages)
SELECT $1, word, ndoc FROM ts_stat(format('SELECT vector FROM passage_words WHERE project_id = %L', $1::uuid))
"""
COUNT_PASSAGES = """
INSERT INTO word_totals (project_id, passages, words)
SELECT $1, count(*), coalesce(sum(words), 0) FROM passage_words WHERE project_id = $1
"""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of one project, and of no more than what was asked about."""

    passages: int
    words: int
    occurring: Mapping[str, int]  # in how many passages each lexeme is
    compounds: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # of a part
    endings: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # of a prefix

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
    matching: str | None  # a tsquery; nothing can be found without one
    lexemes: tuple[Planned, ...]
    terms: tuple[str, ...]
    known: float  # of what was asked for, by rarity, the share that occurs at all


@dataclass(frozen=True, slots=True)
class WordHit:
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
        matching=_matching(planned, query, most),
        lexemes=tuple(planned),
        terms=tuple(term.text for term in terms),
        known=_known(terms, occurring, statistics),
    )


def _matching(planned: Sequence[Planned], query: Query, most: int) -> str | None:
    """The rarest first until they have enough passages between them: the common ones say little, and still score."""
    chosen: list[str] = []
    found = 0
    for lexeme in sorted(planned, key=lambda lexeme: (lexeme.passages, lexeme.lexeme)):
        if chosen and found + lexeme.passages > most:
            break
        chosen.append(quoted(lexeme.lexeme))
        found += lexeme.passages
    if not chosen:
        return None
    if query.required:  # they find few enough by themselves, and all that they find counts
        return query.filters
    any_of = "(" + " | ".join(dict.fromkeys(chosen)) + ")"
    return f"{any_of} & {query.filters}" if query.filters else any_of


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


async def statistics_for(connection: Connection, project_id: UUID, query: Query) -> Statistics:
    german = [term.german for term in query.terms if term.german]
    # Whatever could be a part of a compound that was asked for is asked about too.
    pieces = {piece for word in german for piece in pieces_of(word)}
    asked = {lexeme for term in query.terms for lexeme in term.lexemes} | pieces
    prefixes = [term.prefix for term in query.terms if term.prefix]
    totals = await connection.fetchrow(FIND_TOTALS, project_id)
    if totals is None:
        return Statistics(0, 0, {})
    rows = await connection.fetch(
        FIND_STATISTICS, project_id, list(asked), german, prefixes, MOST_COMPOUNDS, MOST_ENDINGS
    )
    occurring: dict[str, int] = {}
    inside: dict[str, dict[str, int]] = {}
    endings: dict[str, dict[str, int]] = {}
    for part, lexeme, passages in rows:
        if not part:
            occurring[lexeme] = passages
        elif part.endswith("*"):
            endings.setdefault(part[:-1], {})[lexeme] = passages
        else:
            inside.setdefault(part, {})[lexeme] = passages
    return Statistics(totals["passages"], totals["words"], occurring, inside, endings)


async def score(
    connection: Connection, project_id: UUID, made: Plan, statistics: Statistics, *, limit: int = 100
) -> list[WordHit]:
    if made.matching is None:
        return []
    rows = await connection.fetch(
        SCORE,
        project_id,
        made.matching,
        [quoted(lexeme.lexeme) for lexeme in made.lexemes],
        [lexeme.worth for lexeme in made.lexemes],
        [lexeme.term for lexeme in made.lexemes],
        limit,
        K1,
        B,
        statistics.mean_words,
        MOST_SCORED,
    )
    return [
        WordHit(
            row["passage_id"],
            row["score"],
            {made.terms[term]: part for term, part in zip(row["terms"], row["parts"], strict=True)},
        )
        for row in rows
    ]


async def refresh(connection: Connection, project_id: UUID) -> None:
    """Counts anew, within the caller's transaction. 100,000 passages take about a second, so it follows an intake."""
    for table in ("word_statistics", "word_totals", "word_parts"):
        await connection.execute(f"DELETE FROM {table} WHERE project_id = $1", project_id)  # noqa: S608 - names of ours
    await connection.execute(COUNT_WORDS, project_id)
    await connection.execute(COUNT_PASSAGES, project_id)
    rows = await connection.fetch("SELECT lexeme, passages FROM word_statistics WHERE project_id = $1", project_id)
    parts = compounds({row["lexeme"]: row["passages"] for row in rows if row["lexeme"].isalpha()})
    await connection.copy_records_to_table(
        "word_parts", records=[(project_id, *pair) for pair in parts], columns=("project_id", "part", "lexeme")
    )
