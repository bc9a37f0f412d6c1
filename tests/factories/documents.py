"""Documents, brought as people bring them and read as workers do."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from httpx import Response
from sqlalchemy import text

from kontor.core.clock import now
from kontor.core.ids import JobId, UserId
from kontor.core.jobs.running import Progress, Running
from kontor.documents import belonging
from kontor.documents.intake import Room
from kontor.documents.kinds import COPY, READ, CopyArgs, ReadArgs
from kontor.documents.parsing.limits import Limits
from kontor.documents.ports import Indexer, Indexers
from kontor.documents.reading import Reader
from tests.factories.house import House, Visitor
from tests.factories.projects import made

LETTER = "Die Lieferung kommt am 3. März 2026. Der Preis beträgt 1.250 Euro."


async def upload(
    visitor: Visitor, project: Mapping[str, Any] | str, name: str, content: bytes, **more: Any
) -> Response:
    project_id = project if isinstance(project, str) else project["id"]
    return await visitor.post(f"/projects/{project_id}/documents", files={"file": (name, content)}, params=more)


async def bring(
    house: House,
    visitor: Visitor,
    project: Mapping[str, Any] | str,
    name: str = "letter.txt",
    content: bytes | str = LETTER,
) -> dict[str, Any]:
    """Sent and read."""
    sent = content.encode() if isinstance(content, str) else content
    taken = made(await upload(visitor, project, name, sent))["items"][0]
    await read_all(house)
    return made(await visitor.get(f"/documents/{taken['id']}"))


async def read_all(house: House, *, indexers: Indexers | None = None, attempt: int = 1, **limits: Any) -> int:
    """What a worker would do, in this process and unit. Answers how many jobs there were."""
    kernel = house.kernel
    reader = Reader(
        kernel.database,
        kernel.blobs,
        kernel.fetcher,
        indexers or Indexers(),
        Limits(**{"wall_seconds": 60.0, **limits}),
        Room.of(kernel.settings),
    )
    done = 0
    for copied in await stored(
        house,
        "UPDATE job SET state = 'done', finished_at = :at WHERE kind = :kind AND state = 'waiting' RETURNING *",
        kind=COPY.name, at=now(),
    ):  # fmt: skip
        await belonging.copy(kernel.database, CopyArgs.model_validate(copied.args), copied.owner_id)
    while True:
        async with kernel.database.system("test") as unit:
            row = (
                await unit.execute(
                    text("""
                        UPDATE job SET state = 'done', finished_at = :at
                        WHERE id = (SELECT id FROM job WHERE kind = :kind AND state = 'waiting' ORDER BY number LIMIT 1)
                        RETURNING id, owner_id, args
                    """),
                    {"kind": READ.name, "at": now()},
                )
            ).one_or_none()
        if row is None:
            return done
        done += 1
        job = Running(
            job_id=JobId(row.id), kind=READ.name, owner_id=UserId(row.owner_id), attempt=attempt, key=None,
            database=kernel.database, report=silent,
        )  # fmt: skip
        await reader.run(job, ReadArgs.model_validate(row.args))


async def again(house: House, kind: str) -> None:
    """As the runner puts jobs back that failed, and as they come that come twice."""
    await stored(house, "UPDATE job SET state = 'waiting', finished_at = NULL WHERE kind = :k RETURNING 1", k=kind)


async def silent(progress: Progress) -> None:
    """Nobody looks at the job itself."""
    del progress


def of(**indexer: Indexer) -> Indexers:
    found = Indexers()
    for name, each in indexer.items():
        found.register(name, each)
    return found


async def stored(house: House, statement: str, **values: object) -> list[Any]:
    """Rows as they are, whoever may see them."""
    async with house.database.system("test") as unit:
        return list((await unit.execute(text(statement), values)).all())


def ids(items: list[dict[str, Any]]) -> set[UUID]:
    return {UUID(item["id"]) for item in items}
