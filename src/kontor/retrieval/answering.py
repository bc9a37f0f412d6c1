"""Answers without a model: the best passages for a question, with the places that they stand in."""

import re
from collections.abc import Sequence
from uuid import UUID

from kontor.core.tenancy import Actor
from kontor.gateway.passages import Passage
from kontor.retrieval.query import LONGEST_QUESTION
from kontor.retrieval.schemas import DocumentResultRead, PassageHitRead, SearchWanted
from kontor.retrieval.service import Retrieval

MOST = 5
EACH = 2  # of one document, so that one alone does not answer everything
# In the field of a search these demand, exclude and quote; in a question they are punctuation.
SIGNS = re.compile(r"""["*„“”]|(?<!\S)[-+]""")


class PassageFinder:
    """What the gateway's answerer asks."""

    def __init__(self, retrieval: Retrieval) -> None:
        self._retrieval = retrieval

    async def passages(self, actor: Actor, question: str, project_id: UUID | None) -> Sequence[Passage]:
        asked = " ".join(SIGNS.sub(" ", question).split())[:LONGEST_QUESTION].strip()
        if not asked or (actor.token_scopes is not None and "documents:read" not in actor.token_scopes):
            return ()
        wanted = SearchWanted(
            query=asked,
            kinds=["document"],
            project_ids=None if project_id is None else [project_id],
            limit=MOST,
            passages_each=EACH,
        )
        found = await self._retrieval.search(actor, wanted)
        if found.is_weak:
            return ()
        hits = [(document, hit) for document in found.results for hit in document.passages]
        hits.sort(key=lambda pair: -pair[1].score)
        return [passage_of(document, hit) for document, hit in hits[:MOST]]


def passage_of(document: DocumentResultRead, hit: PassageHitRead) -> Passage:
    name = document.title or document.name
    title = f"{name}, p. {hit.page_first}" if document.pages > 1 else name
    place = f"page={hit.page_first}&e=m{hit.start_at}-{hit.end_at}&t={hit.text_id}"
    return Passage(hit.text, title, f"/doc/{document.id}?{place}")
