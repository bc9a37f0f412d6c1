"""Qdrant's REST interface on a loopback port, as its documents have it, as far as a client of vectors needs it.

What is sent is checked as the real one checks it: unknown collections, vectors of another width, ids that are none,
fields that cannot be filtered. Numbers are kept in 16 bits where a collection says so.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np
import orjson
from aiohttp import web

JSON = Any
KNOWN_SCHEMAS = {"keyword", "integer", "float", "bool", "uuid", "datetime", "text", "geo"}


class Refused(Exception):
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass
class Collection:
    size: int
    datatype: np.dtype[Any]
    indexed: dict[str, JSON] = field(default_factory=dict)
    vectors: dict[str, Any] = field(default_factory=dict)
    payloads: dict[str, Mapping[str, JSON]] = field(default_factory=dict)


@dataclass
class Qdrant:
    key: str | None = None
    collections: dict[str, Collection] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    failing: list[int] = field(default_factory=list)  # statuses of the next answers
    url: str = ""

    def collection(self, name: str) -> Collection:
        found = self.collections.get(name)
        if found is None:
            raise Refused(404, f"Not found: Collection `{name}` doesn't exist!")
        return found


def app_of(qdrant: Qdrant) -> web.Application:
    Deed = Callable[[Qdrant, web.Request, JSON], JSON]

    def handler(deed: Deed) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            qdrant.asked.append(f"{request.method} {request.path}")
            if qdrant.failing:
                return web.Response(status=qdrant.failing.pop(0), text="upstream is away")
            if qdrant.key is not None and request.headers.get("api-key") != qdrant.key:
                return web.Response(status=401, text="Must provide an API key or an Authorization bearer token")
            try:
                raw = await request.read()
                result = deed(qdrant, request, orjson.loads(raw) if raw else None)
                return said(200, {"result": result, "status": "ok", "time": 0.0001})
            except Refused as refused:
                return said(refused.status, {"status": {"error": refused.reason}, "time": 0.0001})
            except (KeyError, ValueError, TypeError) as wrong:
                error = f"Format error in JSON body: {wrong!r}"
                return said(400, {"status": {"error": error}, "time": 0.0})

        return answer

    app = web.Application(client_max_size=64 << 20)
    path = "/collections/{name}"
    app.add_routes(
        [
            web.get(f"{path}/exists", handler(exists)),
            web.put(path, handler(create)),
            web.put(f"{path}/index", handler(index)),
            web.put(f"{path}/points", handler(upsert)),
            web.post(f"{path}/points", handler(retrieve)),
            web.post(f"{path}/points/query", handler(query)),
            web.post(f"{path}/points/delete", handler(delete)),
        ]
    )
    return app


def said(status: int, body: JSON) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")


def exists(qdrant: Qdrant, request: web.Request, _body: JSON) -> JSON:
    return {"exists": request.match_info["name"] in qdrant.collections}


def create(qdrant: Qdrant, request: web.Request, body: JSON) -> JSON:
    name = request.match_info["name"]
    if name in qdrant.collections:
        raise Refused(409, f"Wrong input: Collection `{name}` already exists!")
    wanted = body["vectors"]
    if wanted["distance"] != "Dot" or not 1 <= wanted["size"] <= 65536:
        raise Refused(422, "Validation error in JSON body")
    qdrant.collections[name] = Collection(wanted["size"], np.dtype(wanted.get("datatype", "float32")))
    return True


def index(qdrant: Qdrant, request: web.Request, body: JSON) -> JSON:
    schema = body["field_schema"]
    kind = schema["type"] if isinstance(schema, dict) else schema
    if kind not in KNOWN_SCHEMAS:
        raise Refused(400, f"unknown variant `{kind}`")
    qdrant.collection(request.match_info["name"]).indexed[body["field_name"]] = schema
    return {"operation_id": 1, "status": "completed"}


def upsert(qdrant: Qdrant, request: web.Request, body: JSON) -> JSON:
    collection = qdrant.collection(request.match_info["name"])
    for point in body["points"]:
        if len(point["vector"]) != collection.size:
            error = f"Vector dimension error: expected dim: {collection.size}, got {len(point['vector'])}"
            raise Refused(400, f"Wrong input: {error}")
    for point in body["points"]:
        identity = str(UUID(point["id"]))
        collection.vectors[identity] = np.asarray(point["vector"], collection.datatype)
        collection.payloads[identity] = point.get("payload") or {}
    return {"operation_id": 2, "status": waited(request)}


def retrieve(qdrant: Qdrant, request: web.Request, body: JSON) -> JSON:
    collection = qdrant.collection(request.match_info["name"])
    found = []
    for identity in (str(UUID(each)) for each in body["ids"]):
        if identity in collection.vectors:
            point: dict[str, JSON] = {"id": identity}
            if body.get("with_payload", True):
                point["payload"] = collection.payloads[identity]
            if body.get("with_vector", False):
                point["vector"] = collection.vectors[identity].astype(float).tolist()
            found.append(point)
    return found


def query(qdrant: Qdrant, request: web.Request, body: JSON) -> JSON:
    collection = qdrant.collection(request.match_info["name"])
    asked = np.asarray(body["query"], np.float32)
    if len(asked) != collection.size:
        raise Refused(400, f"Wrong input: Vector dimension error: expected dim: {collection.size}, got {len(asked)}")
    found: list[dict[str, JSON]] = []
    for identity, vector in collection.vectors.items():
        payload = collection.payloads[identity]
        if passes(body.get("filter") or {}, payload, collection):
            shown = body.get("with_payload", False)
            kept = payload if shown is True else {name: payload[name] for name in shown or () if name in payload}
            score = float(vector.astype(np.float32) @ asked)
            found.append({"id": identity, "version": 1, "score": score, "payload": kept})
    found.sort(key=lambda point: -point["score"])
    return {"points": found[: body.get("limit", 10)]}


def passes(wanted: JSON, payload: Mapping[str, JSON], collection: Collection) -> bool:
    if unknown := set(wanted) - {"must", "must_not", "should"}:
        raise Refused(400, f"unknown field `{unknown.pop()}`")
    return all(holds(each, payload, collection) for each in wanted.get("must", ())) and not any(
        holds(each, payload, collection) for each in wanted.get("must_not", ())
    )


def holds(condition: JSON, payload: Mapping[str, JSON], collection: Collection) -> bool:
    if condition["key"] not in collection.indexed:  # in strict mode, as hosted ones have it
        raise Refused(400, f'Bad request: Index required but not found for "{condition["key"]}"')
    value = payload.get(condition["key"])
    if "match" in condition:
        match = condition["match"]
        return value in match["any"] if "any" in match else bool(value == match["value"])
    bounds = condition["range"]
    return value is not None and bounds.get("gte", value) <= value <= bounds.get("lte", value)


def delete(qdrant: Qdrant, request: web.Request, body: JSON) -> JSON:
    collection = qdrant.collection(request.match_info["name"])
    for identity in (str(UUID(each)) for each in body["points"]):
        collection.vectors.pop(identity, None)
        collection.payloads.pop(identity, None)
    return {"operation_id": 3, "status": waited(request)}


def waited(request: web.Request) -> str:
    return "completed" if request.query.get("wait") == "true" else "acknowledged"


@asynccontextmanager
async def running(key: str | None = None) -> AsyncIterator[Qdrant]:
    qdrant = Qdrant(key)
    runner = web.AppRunner(app_of(qdrant))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    qdrant.url = f"http://{host}:{port}"
    try:
        yield qdrant
    finally:
        await runner.cleanup()
