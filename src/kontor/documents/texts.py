"""The texts of documents as a viewer, a search and a citation want them: unpacked, and looked at in parts.

A whole text never changes, so what was unpacked may be kept for the next question. Who may see it is asked each time,
before.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.paging import Cursor, Page
from kontor.core.tenancy import Actor
from kontor.documents import repository, service
from kontor.documents.errors import PageNotFound
from kontor.documents.parsing import model
from kontor.documents.parsing.packing import unpack
from kontor.documents.schemas import (
    BlockRead,
    Box,
    CellRead,
    HeadingRead,
    HiddenRead,
    JoinRead,
    PageRead,
    PassageRead,
    TableRead,
    TextPageRead,
    TextRead,
    VersionRead,
    WordRead,
)
from kontor.documents.values import Text

LONGEST_HEADING = 300
MOST_HEADINGS = 5000
# What may be kept in memory, about: a word with its box takes 28 bytes, a character one to four.
KEPT_BYTES = 32 << 20


class Unpacked:
    """The last texts that were asked for, as far as they fit."""

    def __init__(self, most: int = KEPT_BYTES) -> None:
        self._most = most
        self._used = 0
        self._kept: OrderedDict[UUID, tuple[model.Document, int]] = OrderedDict()
        # One at a time: a viewer asks for five pages at once, of a text that may be large.
        self._turn = asyncio.Lock()

    async def get(self, unit: AsyncSession, text: Text) -> model.Document:
        """For whoever has asked whether they may."""
        async with self._turn:
            return await self._get(unit, text)

    async def _get(self, unit: AsyncSession, text: Text) -> model.Document:
        kept = self._kept.get(text.id)
        if kept is not None:
            self._kept.move_to_end(text.id)
            return kept[0]
        packed = await repository.packed(unit, text.id)
        # Large ones in a thread: others are answered meanwhile.
        found = unpack(packed) if len(packed) < 50_000 else await asyncio.to_thread(unpack, packed)
        if text.is_whole:
            self._keep(text.id, found)
        return found

    def _keep(self, text_id: UUID, document: model.Document) -> None:
        size = 2 * len(document.text) + 28 * len(document.words) + 200 * len(document.blocks)
        if text_id in self._kept or size > self._most:
            return
        self._kept[text_id] = document, size
        self._used += size
        while self._used > self._most:
            _, (_, freed) = self._kept.popitem(last=False)
            self._used -= freed


async def opened(
    unit: AsyncSession, unpacked: Unpacked, actor: Actor, document_id: UUID, text_id: UUID | None
) -> tuple[Text, model.Document]:
    found = await service.require(unit, actor, document_id)
    text = await service.text_of(unit, found, text_id)
    return text, await unpacked.get(unit, text)


async def outline(
    unit: AsyncSession, unpacked: Unpacked, actor: Actor, document_id: UUID, text_id: UUID | None
) -> TextRead:
    found = await service.require(unit, actor, document_id)
    text = await service.text_of(unit, found, text_id)
    whole = await unpacked.get(unit, text)
    return TextRead(
        document_id=found.id,
        text_id=text.id,
        parser=whole.parser,
        language=whole.language,
        characters=len(whole.text),
        pages=[page_frame(page, number) for number, page in enumerate(whole.pages, 1)],
        headings=[heading(whole, block) for block in list(whole.headings)[:MOST_HEADINGS]],
        versions=[VersionRead.of(each, found) for each in await repository.texts(unit, found.id)],
    )


def page_frame(page: model.Page, number: int) -> TextPageRead:
    return TextPageRead(
        number=number, name=page.name, start_at=page.start, end_at=page.end, width=page.width / 10,
        height=page.height / 10, is_scan=page.is_scan,
    )  # fmt: skip


def heading(whole: model.Document, block: model.Block) -> HeadingRead:
    text = " ".join(whole.text[block.start : block.end].split())[:LONGEST_HEADING]
    return HeadingRead(level=block.level, text=text, start_at=block.start, page=whole.page_at(block.start) + 1)


async def page(
    unit: AsyncSession, unpacked: Unpacked, actor: Actor, document_id: UUID, number: int, *, text_id: UUID | None
) -> PageRead:
    text, whole = await opened(unit, unpacked, actor, document_id, text_id)
    if not 1 <= number <= len(whole.pages):
        raise PageNotFound
    return page_of(text, whole, number)


def page_of(text: Text, whole: model.Document, number: int) -> PageRead:
    page = whole.pages[number - 1]
    is_last = number == len(whole.pages)

    def is_here(at: int) -> bool:
        return page.start <= at < page.end or (is_last and at == page.end)

    words = whole.words
    # What has no places has no boxes to look at either.
    within: Sequence[int] = words.within(page.start, page.end) if page.width and page.height else ()
    return PageRead(
        **dict(page_frame(page, number)),
        document_id=text.document_id,
        text_id=text.id,
        pages=len(whole.pages),
        text=whole.text[page.start : page.end],
        blocks=[
            BlockRead(kind=each.kind, level=each.level, start_at=each.start, end_at=min(each.end, page.end))
            for each in whole.blocks
            if page.start <= each.start < page.end
        ],
        tables=[
            TableRead(
                start_at=each.start,
                end_at=each.end,
                cells=[
                    CellRead(row=cell.row, column=cell.column, start_at=cell.start, end_at=cell.end)
                    for cell in each.cells
                ],
            )
            for each in whole.tables
            if page.start <= each.start < page.end
        ],
        words=[
            WordRead(start_at=words.starts[index], end_at=words.ends[index], box=share(words.box(index), page))
            for index in within
        ],
        hidden=[
            HiddenRead(at=each.at, text=each.text, why=each.why, box=each.box and share(each.box, page))
            for each in whole.hidden
            if is_here(each.at)
        ],
        joins=[JoinRead(at=each.at, text=each.text) for each in whole.joins if is_here(each.at)],
    )


def share(box: model.Box, page: model.Page) -> Box:
    """Of the page, from 0 to 1; what reaches over its edges ends there."""
    width, height = max(1, page.width), max(1, page.height)
    sides = (box.left / width, box.top / height, box.right / width, box.bottom / height)
    left, top, right, bottom = (round(min(1.0, max(0.0, side)), 5) for side in sides)
    return left, top, right, bottom


async def passages(
    unit: AsyncSession,
    actor: Actor,
    document_id: UUID,
    *,
    page: int | None,
    limit: int,
    cursor: str | None,
) -> Page[PassageRead]:
    found = await service.require(unit, actor, document_id)
    text = await service.text_of(unit, found, None)
    after = Cursor.decode(cursor, "int")
    last = -1 if after is None else min(after[0], 2**31 - 1)
    rows = await repository.passages(unit, text.id, after=last, page=page, limit=limit + 1)
    items = [PassageRead.model_validate(row, from_attributes=True) for row in rows[:limit]]
    more = Cursor.encode((items[-1].ordinal,)) if len(rows) > limit else None
    return Page(items=items, next_cursor=more)
