"""Vectors in Qdrant, by its REST interface: for installations that outgrow one PostgreSQL.

A collection for each model, with a graph for each project instead of one for all: nobody's search passes through what
others have. Numbers of 16 bits, as in PostgreSQL, so that either store finds the same.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import aiohttp
import orjson
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.retrieval.errors import VectorsAway, VectorsRefused
from kontor.retrieval.models import Model
from kontor.retrieval.ports import Place, Searched, VectorHit

if TYPE_CHECKING:
    from kontor.retrieval.minilm import Vectors

TIMEOUT = aiohttp.ClientTimeout(total=30, connect=5)
TRIES = 3
PAUSE_SECONDS = 0.2
AT_ONCE = 256  # points in one request: half a megabyte and more
NEAR = 200  # how far the graph is looked through; recall above 0.95
GRAPH = 16

# Their answers would be remembered as refusals by whoever asks; a moment later they answer.
PASSING = frozenset({429, 502, 503, 504})


class QdrantVectors:
    name = "Qdrant"
    is_elsewhere = True

    def __init__(self, url: str, key: SecretStr | None = None, *, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._url = url.rstrip("/")
        self._key = key
        self._pause_seconds = pause_seconds
        self._made: set[int] = set()
        self._making = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None

    async def put(self, model: Model, places: Sequence[Place], vectors: "Vectors") -> None:
        await self._make(model)
        points = [
            {
                "id": str(place.passage_id),
                "vector": vector.tolist(),
                "payload": {
                    "project_id": str(place.project_id),
                    "document_id": str(place.document_id),
                    "page_first": place.page_first,
                    "page_last": place.page_last,
                },
            }
            for place, vector in zip(places, vectors, strict=True)
        ]
        for at in range(0, len(points), AT_ONCE):
            await self._ask(
                "PUT", f"/collections/{named(model)}/points?wait=true", {"points": points[at : at + AT_ONCE]}
            )

    async def search(
        self, unit: AsyncSession | None, model: Model, question: "Vectors", searched: Searched, *, limit: int
    ) -> list[VectorHit]:
        if not searched.projects or searched.narrowed.documents == []:
            return []
        asked = {
            "query": question.tolist(),
            "filter": filter_of(searched),
            "limit": limit,
            "with_payload": ["project_id"],
            "params": {"hnsw_ef": NEAR} if searched.is_large else {"exact": True},
        }
        said = await self._ask("POST", f"/collections/{named(model)}/points/query", asked, may_miss=True)
        points = [] if said is None else said["points"]
        found = [VectorHit(UUID(each["payload"]["project_id"]), UUID(each["id"]), each["score"]) for each in points]
        return sorted(found, key=lambda hit: (-hit.likeness, hit.passage_id))

    async def take(self, model: Model, passages: Sequence[UUID]) -> "Mapping[UUID, Vectors]":
        import numpy as np

        found: dict[UUID, Vectors] = {}
        for at in range(0, len(passages), AT_ONCE):
            asked = {"ids": ids_of(passages[at : at + AT_ONCE]), "with_vector": True, "with_payload": False}
            # Without the collection it is another Qdrant than the one that was meant, and no vector is lost.
            said = await self._ask("POST", f"/collections/{named(model)}/points", asked)
            found |= {UUID(each["id"]): np.asarray(each["vector"], np.float32) for each in said}
        return found

    async def forget(self, model: Model, passages: Sequence[UUID]) -> None:
        for at in range(0, len(passages), AT_ONCE):
            await self._ask(
                "POST",
                f"/collections/{named(model)}/points/delete?wait=true",
                {"points": ids_of(passages[at : at + AT_ONCE])},
                may_miss=True,
            )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _make(self, model: Model) -> None:
        """A collection and what it is filtered by. Made twice at once, one of them is told that it is there."""
        if model.id in self._made:
            return
        async with self._making:
            path = f"/collections/{named(model)}"
            if not (await self._ask("GET", f"{path}/exists"))["exists"]:
                wanted = {
                    "vectors": {"size": model.dimensions, "distance": "Dot", "datatype": "float16"},
                    "hnsw_config": {"m": 0, "payload_m": GRAPH},
                }
                await self._ask("PUT", path, wanted, may_conflict=True)
            for field, schema in FIELDS.items():
                await self._ask("PUT", f"{path}/index?wait=true", {"field_name": field, "field_schema": schema})
            self._made.add(model.id)

    async def _ask(
        self, method: str, path: str, body: object = None, *, may_miss: bool = False, may_conflict: bool = False
    ) -> Any:
        """Everything that is asked may be asked twice."""
        for attempt in range(1, TRIES + 1):
            try:
                status, said = await self._send(method, path, body)
            except (aiohttp.ClientError, TimeoutError, OSError) as reason:
                if attempt == TRIES:
                    raise VectorsAway(self.name) from reason
            else:
                if (may_miss and status == 404) or (may_conflict and status == 409):
                    return None
                if status < 400:
                    return read(said, self.name)
                if attempt == TRIES or status not in PASSING:
                    raise VectorsRefused(self.name, status=status)
            await asyncio.sleep(self._pause_seconds * attempt)
        raise AssertionError("It was tried, and neither answered nor failed.")

    async def _send(self, method: str, path: str, body: object) -> tuple[int, bytes]:
        if self._session is None or self._session.closed:
            headers = {"Content-Type": "application/json"}
            if self._key is not None:
                headers["api-key"] = self._key.get_secret_value()
            self._session = aiohttp.ClientSession(
                timeout=TIMEOUT, headers=headers, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
            )
        sent = None if body is None else orjson.dumps(body)
        async with self._session.request(method, self._url + path, data=sent, allow_redirects=False) as answer:
            return answer.status, await answer.read()


# What nobody else's is found by; and what people narrow their searches to.
FIELDS: Mapping[str, object] = {
    "project_id": {"type": "uuid", "is_tenant": True},
    "document_id": {"type": "uuid"},
    "page_first": {"type": "integer"},
    "page_last": {"type": "integer"},
}


def named(model: Model) -> str:
    return f"kontor_{model.id}"


def ids_of(passages: Sequence[UUID]) -> list[str]:
    return [str(each) for each in passages]


def filter_of(searched: Searched) -> dict[str, object]:
    narrowed = searched.narrowed
    must: list[object] = [{"key": "project_id", "match": {"any": ids_of(searched.projects)}}]
    if narrowed.documents is not None:
        must.append({"key": "document_id", "match": {"any": ids_of(narrowed.documents)}})
    if narrowed.page_from is not None and narrowed.page_to is not None:
        must.append({"key": "page_last", "range": {"gte": narrowed.page_from}})
        must.append({"key": "page_first", "range": {"lte": narrowed.page_to}})
    if not searched.trashed:
        return {"must": must}
    return {"must": must, "must_not": [{"key": "document_id", "match": {"any": ids_of(searched.trashed)}}]}


def read(said: bytes, name: str) -> Any:
    try:
        return orjson.loads(said)["result"]
    except (ValueError, KeyError, TypeError) as reason:
        raise VectorsAway(name) from reason
