"""What goes over the wire. Offsets count characters of the document's text, pages from 1, and boxes are left, top,
right and bottom as shares of the page, from 0 to 1."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from kontor.core.text import Line, prose
from kontor.documents.parsing.model import Kind as DocumentKind
from kontor.projects.schemas import Tag
from kontor.retrieval.claims import Support
from kontor.retrieval.evidence import LONGEST_QUOTATION, Exactness
from kontor.retrieval.exact import Matter
from kontor.retrieval.query import LONGEST_QUESTION

Question = Annotated[Line, StringConstraints(min_length=1, max_length=LONGEST_QUESTION)]
Box = tuple[float, float, float, float]

MOST_IDS = 500


class SearchWanted(BaseModel):
    query: Question = Field(
        description='Any of the words; `"a phrase"` and `+word` are required, `-word` excludes, `begin*` is a prefix'
    )
    kinds: list[str] | None = Field(None, max_length=20, description="Such as `document`. Null: all that there are")
    project_ids: list[UUID] | None = Field(None, max_length=MOST_IDS, description="Null: all that one may read")
    document_ids: list[UUID] | None = Field(None, max_length=MOST_IDS)
    types: list[DocumentKind] = Field([], max_length=20, description="Of documents, such as `pdf`")
    tags: list[Tag] = Field([], max_length=20, description="All of them")
    since: date | None = Field(None, description="By the document's own date, else by when it came")
    until: date | None = None
    page_from: int | None = Field(None, ge=1, le=1_000_000)
    page_to: int | None = Field(None, ge=1, le=1_000_000)
    limit: int = Field(10, ge=1, le=50, description="Results of each kind")
    passages_each: int = Field(3, ge=1, le=20, description="Passages of one document at most")
    by: Literal["both", "words", "vectors"] = Field("both", description="One side alone, to see what it finds")
    explain: bool = Field(False, description="Tells what each stage found")


class MarkRead(BaseModel):
    start: int
    end: int


class SpanRead(BaseModel):
    start_at: int
    end_at: int


class SideRead(BaseModel):
    """What one side said of a passage."""

    rank: int
    score: float = Field(description="Of words: BM25. Of vectors: the cosine")
    scaled: float = Field(description="From 0 to 1 over what this side found")
    terms: dict[str, float] = Field({}, description="What each of the words gave")


class PassageHitRead(BaseModel):
    passage_id: UUID
    text_id: UUID
    ordinal: int
    start_at: int
    end_at: int
    page_first: int
    page_last: int
    heading: str
    score: float
    found_by: list[Literal["words", "vectors"]]
    snippet: str
    snippet_at: int = Field(description="Where the snippet begins in the document's text")
    marks: list[MarkRead] = Field(description="What was asked for, within the snippet")
    text: str = Field(description="The whole passage")
    words: SideRead | None = Field(None, description="Only with `explain`")
    vectors: SideRead | None = Field(None, description="Only with `explain`")


class DocumentResultRead(BaseModel):
    kind: Literal["document"] = "document"
    id: UUID
    project_id: UUID
    name: str
    title: str
    author: str
    dated: str
    type: DocumentKind | None
    pages: int
    tags: list[str]
    score: float
    passages: list[PassageHitRead]


ResultRead = DocumentResultRead  # a union, told apart by `kind`, as soon as there is another


class LexemeRead(BaseModel):
    lexeme: str
    term: str
    worth: float
    passages: int
    finds: bool = Field(description="Whether it looked for candidates, or only scored them")


class TermRead(BaseModel):
    text: str
    weight: float


class EmbeddingModelRead(BaseModel):
    provider: str = Field(description="`local` is the one that every installation has")
    name: str
    dimensions: int


class EmbeddingChange(BaseModel):
    model: str | None = Field(
        None, min_length=1, max_length=200, description="Null: the local one, which costs nothing"
    )
    provider: str | None = Field(None, min_length=1, max_length=80)


class EmbeddingRead(BaseModel):
    model: EmbeddingModelRead = Field(description="The one that answers")
    next: EmbeddingModelRead | None = Field(description="The one that shall, as soon as it has read everything")
    done: int = Field(description="Passages that the next one has read; without one, this one")
    total: int


class ExplainedRead(BaseModel):
    terms: list[TermRead] = Field(description="What was understood")
    required: int = Field(description="Phrases and words that must be there")
    excluded: int
    lexemes: list[LexemeRead] = Field(description="What was looked for, with compounds, endings and parts")
    passages: int = Field(description="Of the projects that were searched")
    projects: int
    mean_words: float
    known: float = Field(description="How much of what was asked occurs at all, by rarity")
    found_by_words: int
    found_by_vectors: int
    nearest: float | None = Field(description="The greatest cosine")
    fertility: float = Field(description="Pieces that the local model makes of a word; in German about 2")
    weight_of_words: float
    weight_of_vectors: float
    reasons: list[str] = Field(description="Why the weights are what they are")
    models: list[EmbeddingModelRead]
    milliseconds: dict[str, float]


class SearchRead(BaseModel):
    results: list[ResultRead] = Field(description="Best first, grouped: one for each document")
    kinds: list[str] = Field(description="What was searched")
    is_weak: bool = Field(description="Hardly anything of what was asked is in what was found, if anything was")
    lacks_vectors: bool = Field(False, description="The words answered alone, where vectors could not be asked")
    explained: ExplainedRead | None = None


# Evidence

Quotation = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_QUOTATION), AfterValidator(prose)]
Answer = Annotated[str, StringConstraints(min_length=1, max_length=100_000), AfterValidator(prose)]
PassageText = Annotated[str, StringConstraints(min_length=1, max_length=50_000), AfterValidator(prose)]


class EvidenceWanted(BaseModel):
    quotations: list[Quotation] = Field(min_length=1, max_length=50)
    text_id: UUID | None = Field(None, description="Of an older text of the document. Null: the one that it has now")


class RectangleRead(BaseModel):
    page: int
    box: Box


class EvidenceSpanRead(SpanRead):
    page_first: int
    page_last: int
    rectangles: list[RectangleRead] = Field(description="None where a page has no places, such as plain text")


class DifferenceRead(BaseModel):
    quoted: str
    found: str


class EvidenceRead(BaseModel):
    quotation: str
    kind: Exactness
    is_proof: bool = Field(description="Without a person's look")
    likeness: float
    reason: Matter | None = Field(description="What keeps it from being proof: a number, a negation, ...")
    differences: list[DifferenceRead]
    spans: list[EvidenceSpanRead] = Field(description="Of `none`: where it would have been")


class EvidencesRead(BaseModel):
    document_id: UUID
    text_id: UUID
    items: list[EvidenceRead]


class PassageGiven(BaseModel):
    number: int = Field(ge=1, le=999, description="As the answer cites it: [1]")
    passage_id: UUID | None = Field(None, description="One that search found; or its text is given")
    text: PassageText | None = None


class ClaimsWanted(BaseModel):
    answer: Answer
    passages: list[PassageGiven] = Field(max_length=100)


class ClaimRead(BaseModel):
    text: str
    start: int = Field(description="In the answer")
    end: int
    cited: list[int]
    support: Support
    number: int | None = Field(description="Of the passage that bears it out best")
    passage_id: UUID | None
    document_id: UUID | None
    text_id: UUID | None
    spans: list[SpanRead] = Field(
        description="In the document's text where the passage was named, else in the text that was given"
    )
    reason: Matter | None
    missing: list[str] = Field(description="Words and numbers that are not there")


class ClaimsRead(BaseModel):
    claims: list[ClaimRead]
