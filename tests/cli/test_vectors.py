"""`kontor vectors`: what it does and what it says."""

from uuid import UUID

import pytest

from kontor.cli import vectors
from kontor.cli.words import OK, USAGE
from kontor.core.database import Database
from kontor.core.kernel import Kernel
from kontor.core.secrets import Secrets
from kontor.core.settings import Settings
from kontor.retrieval.models import LOCAL
from kontor.retrieval.pgvector import PostgresVectors
from kontor.retrieval.ports import Place
from tests.factories.passages import make_document, make_owner
from tests.retrieval.test_vectors import unit_vectors
from tests.wire import qdrant


def kernel_of(settings: Settings, database: Database, url: str | None) -> Kernel:
    settings.kontor_data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Kernel(settings.model_copy(update={"vector_url": url}), database, Secrets.load(settings))


async def test_vectors_are_moved_and_then_forgotten_here(
    database: Database, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    owner = await make_owner(database)
    here, passages = PostgresVectors(database), list[UUID]()

    async def bring(words: str) -> None:
        made = await make_document(database, owner.project_id, [words])
        passages.extend(made.passages)
        await here.put(LOCAL, [Place(made.project_id, made.document_id, made.passages[0], 1, 1)], unit_vectors(1, 1))

    async with qdrant.running() as server:
        before, after = kernel_of(settings, database, None), kernel_of(settings, database, server.url)
        await bring("One.")
        assert await vectors.move(before, vectors.POSTGRESQL, None) == USAGE
        assert await vectors.forget(before) == USAGE
        assert await vectors.move(before, server.url, None) == OK
        assert f"VECTOR_URL={server.url}" in capsys.readouterr().out
        await bring("Two.")  # by a process that was started before
        assert await vectors.forget(after) == USAGE
        assert "1 vectors are in PostgreSQL alone" in capsys.readouterr().err
        assert await vectors.move(before, server.url, None) == OK
        assert await vectors.forget(after) == OK
        assert await here.take(LOCAL, passages) == {}
        assert await vectors.move(after, server.url, None) == USAGE
        assert await vectors.move(after, vectors.POSTGRESQL, None) == OK
        assert set(await here.take(LOCAL, passages)) == set(passages)
        for kernel in (before, after):
            await kernel.close()
