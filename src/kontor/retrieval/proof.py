"""Quotations and answers held against what they are said to come from, for whoever may read that."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.bulk import fetch
from kontor.core.errors import FieldProblem
from kontor.core.tenancy import Actor
from kontor.documents import texts
from kontor.documents.parsing.model import Document
from kontor.documents.texts import Unpacked, share
from kontor.retrieval.claims import Judged, judge
from kontor.retrieval.evidence import Evidence, find
from kontor.retrieval.pgvector import plain
from kontor.retrieval.reading import Reading, Span
from kontor.retrieval.schemas import (
    ClaimRead,
    ClaimsRead,
    ClaimsWanted,
    DifferenceRead,
    EvidenceRead,
    EvidenceSpanRead,
    EvidencesRead,
    EvidenceWanted,
    PassageGiven,
    RectangleRead,
    SpanRead,
)

# What may be kept in memory, about: prepared, a text takes ten bytes a letter, and its words a hundred each once they
# are looked for.
KEPT_LETTERS = 2_000_000
MOST_RECTANGLES = 500
# Of a core, for one request: two dozen long quotations that stand nowhere take as long.
MOST_SECONDS = 8.0


class Readings:
    """The texts that quotations were last looked for in, prepared for the next quotation."""

    def __init__(self, most: int = KEPT_LETTERS) -> None:
        self._most = most
        self._kept: OrderedDict[UUID, Reading] = OrderedDict()

    def get(self, text_id: UUID, whole: Document) -> Reading:
        """For whoever has asked whether they may. Texts never change."""
        found = self._kept.get(text_id)
        if found is None:
            found = self._kept[text_id] = Reading(whole.text)
        self._kept.move_to_end(text_id)
        while len(self._kept) > 1 and sum(len(each.text) for each in self._kept.values()) > self._most:
            self._kept.popitem(last=False)
        return found


async def quotations(
    unit: AsyncSession,
    unpacked: Unpacked,
    readings: Readings,
    actor: Actor,
    *,
    document_id: UUID,
    wanted: EvidenceWanted,
) -> EvidencesRead:
    text, whole = await texts.opened(unit, unpacked, actor, document_id, wanted.text_id)

    def look() -> list[Evidence]:
        refuse_late, reading = patience("quotations"), readings.get(text.id, whole)
        found: list[Evidence] = []
        for quotation in wanted.quotations:
            refuse_late()
            found.append(find(quotation, reading))
        return found

    found = await asyncio.to_thread(look)
    return EvidencesRead(
        document_id=document_id,
        text_id=text.id,
        items=[
            evidence_read(quotation, evidence, whole)
            for quotation, evidence in zip(wanted.quotations, found, strict=True)
        ],
    )


def patience(field: str) -> Callable[[], None]:
    """Counts what this thread has worked: however much else the machine has to do, the same is taken."""
    began = time.thread_time()

    def refuse_late() -> None:
        if time.thread_time() - began > MOST_SECONDS:
            raise FieldProblem(field, "This is too much to compare at once. Ask in several parts.", reason="too_much")

    return refuse_late


def evidence_read(quotation: str, evidence: Evidence, whole: Document) -> EvidenceRead:
    return EvidenceRead(
        quotation=quotation,
        kind=evidence.kind,
        is_proof=evidence.is_proof,
        likeness=evidence.likeness,
        reason=evidence.reason,
        differences=[DifferenceRead(quoted=each.quoted, found=each.found) for each in evidence.differences],
        spans=[span_read(span, whole) for span in evidence.spans],
    )


def span_read(span: Span, whole: Document) -> EvidenceSpanRead:
    rectangles = whole.rectangles(span.start, span.end)[:MOST_RECTANGLES]
    return EvidenceSpanRead(
        start_at=span.start,
        end_at=span.end,
        page_first=whole.page_at(span.start) + 1,
        page_last=whole.page_at(max(span.end - 1, span.start)) + 1,
        rectangles=[
            RectangleRead(page=each.page + 1, box=share(each.box, whole.pages[each.page])) for each in rectangles
        ],
    )


# Answers


@dataclass(frozen=True, slots=True)
class Held:
    """What a claim is held against, and where that stands."""

    text: str
    passage_id: UUID | None = None
    document_id: UUID | None = None
    text_id: UUID | None = None
    start_at: int = 0


_PASSAGES = """
    SELECT p.id, p.document_id, p.text_id, p.start_at, p.text
    FROM project_access a JOIN passage p ON p.project_id = a.project_id
    JOIN document d ON d.project_id = p.project_id AND d.id = p.document_id
    JOIN project pr ON pr.id = p.project_id
    WHERE a.user_id = $1 AND p.id = ANY($2::uuid[]) AND d.trashed_at IS NULL AND pr.trashed_at IS NULL
"""


async def claims(unit: AsyncSession, actor: Actor, wanted: ClaimsWanted) -> ClaimsRead:
    """A passage that one may not read, or that has gone since, bears nothing out."""
    held = await held_of(unit, actor, wanted.passages)

    def look() -> list[Judged]:
        texts = {number: each.text for number, each in held.items()}
        return judge(wanted.answer, texts, before_each=patience("answer"))

    judged = await asyncio.to_thread(look)
    return ClaimsRead(claims=[claim_read(each, held) for each in judged])


async def held_of(unit: AsyncSession, actor: Actor, given: Sequence[PassageGiven]) -> dict[int, Held]:
    named = [each.passage_id for each in given if each.passage_id is not None]
    rows = {plain(row["id"]): row for row in (await fetch(unit, _PASSAGES, actor.user_id, named) if named else [])}
    held: dict[int, Held] = {}
    for place, each in enumerate(given):
        if (each.passage_id is None) == (each.text is None):
            raise FieldProblem(f"passages.{place}", "Name a passage, or give its text.", reason="one_of")
        if each.number in held:
            raise FieldProblem(f"passages.{place}.number", "Each passage has a number of its own.", reason="taken")
        if each.text is not None:
            held[each.number] = Held(each.text)
        elif (row := rows.get(each.passage_id)) is not None:  # type: ignore[arg-type]  # one of the two is there
            held[each.number] = Held(
                row["text"], plain(row["id"]), plain(row["document_id"]), plain(row["text_id"]), row["start_at"]
            )
    return held


def claim_read(judged: Judged, passages: Mapping[int, Held]) -> ClaimRead:
    claim, held = judged.claim, None if judged.passage is None else passages[judged.passage]
    begin = 0 if held is None else held.start_at
    return ClaimRead(
        text=claim.text,
        start=claim.span.start,
        end=claim.span.end,
        cited=list(claim.cited),
        support=judged.support,
        number=judged.passage,
        passage_id=held and held.passage_id,
        document_id=held and held.document_id,
        text_id=held and held.text_id,
        spans=[SpanRead(start_at=begin + span.start, end_at=begin + span.end) for span in judged.spans],
        reason=judged.reason,
        missing=list(judged.missing),
    )
