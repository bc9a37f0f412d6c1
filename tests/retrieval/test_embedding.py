"""Another model for a project: the old one answers until the new one has read everything."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from sqlalchemy import text

from kontor.core.database import Database
from kontor.core.settings import Settings
from kontor.core.tenancy import Actor, Role
from kontor.documents.ports import Readable
from kontor.gateway.estimates import Estimates
from kontor.gateway.router import Router
from kontor.retrieval import embedding, repository
from kontor.retrieval.asking import GatewayAsks, WorkersRuns
from kontor.retrieval.errors import EmbeddingFailed
from kontor.retrieval.models import Model
from kontor.retrieval.service import Indexer, Retrieval
from tests.factories.embedders import WordModels
from tests.factories.house import House, Visitor, opened
from tests.factories.passages import Made, make_document
from tests.factories.projects import make_project, person, share
from tests.gateway.house import add_provider, admin_models, administrator, gateway_of
from tests.wire.llm_server import serving
from tests.wire.openai import OpenAi

TEXTS = ["Die Kündigungsfrist beträgt drei Monate.", "Ein Hund schläft im Garten."]


async def quietly(_done: int, _total: int | None) -> None:
    pass


def retrieval_of(house: House, asks: WordModels) -> Retrieval:
    retrieval: Retrieval = house.app.state.retrieval
    retrieval.asks = asks
    return retrieval


async def index(house: House, made: Made) -> None:
    readable = Readable(made.document_id, made.project_id, made.document_id, made.text_id, is_whole=True)
    await Indexer(house.app.state.retrieval).index(house.database, readable, quietly)


async def by_meaning(visitor: Visitor, project: UUID) -> tuple[list[str], list[str]]:
    wanted = {"query": "Hund im Garten", "by": "vectors", "project_ids": [str(project)], "explain": True}
    found = (await visitor.post("/search", json=wanted)).json()
    hits = [hit["text"] for each in found["results"] for hit in each["passages"]]
    return hits, [model["name"] for model in found["explained"]["models"]]


async def models_kept(house: House) -> dict[int, int]:
    async with house.database.system("test") as unit:
        rows = await unit.execute(text("SELECT model_id, count(*) AS n FROM passage_vectors GROUP BY model_id"))
        return {row.model_id: row.n for row in rows}


async def test_the_old_model_answers_until_the_new_one_has_read_everything(house: House) -> None:
    owner = await house.visitor()
    project = UUID((await make_project(owner))["id"])
    asks = WordModels()
    retrieval = retrieval_of(house, asks)
    await index(house, await make_document(house.database, project, TEXTS))
    path = f"/projects/{project}/embedding"
    chosen = (await owner.put(path, json={"model": "words-48", "provider": "ollama"})).json()
    assert (chosen["model"]["name"], chosen["next"]["name"]) == ("all-MiniLM-L6-v2", "words-48")
    assert (chosen["done"], chosen["total"]) == (0, 2)
    async with house.database.system("test") as unit:
        assert await unit.scalar(text("SELECT count(*) FROM job WHERE kind = 'retrieval.reembed'")) == 1
    assert (await by_meaning(owner, project))[1] == ["all-MiniLM-L6-v2"]
    # What comes in meanwhile is read by both; what came in while everything was read is read before it answers.
    await index(house, await make_document(house.database, project, ["Eine Katze."]))
    late: list[Made] = []

    async def report(done: int, total: int) -> None:
        if not late:
            late.append(await make_document(house.database, project, ["Ein Vogel im Garten."]))
        assert (await by_meaning(owner, project))[1] == ["all-MiniLM-L6-v2"]

    await embedding.reembed(house.database, retrieval.store, retrieval.embedder_of, project, report)
    hits, models = await by_meaning(owner, project)
    assert (hits[0], models) == (TEXTS[1], ["words-48"])
    assert hits[1:] == ["Ein Vogel im Garten."]
    [new] = await models_kept(house)
    assert await models_kept(house) == {new: 4}
    assert {(actor.user_id, name) for actor, name, _ in asks.asked} == {(owner.id, "words-48")}
    assert (await owner.get(path)).json()["next"] is None
    # And back to the local one, which nobody pays.
    assert (await owner.put(path, json={"model": None})).json()["next"]["provider"] == "local"
    await embedding.reembed(house.database, retrieval.store, retrieval.embedder_of, project, quietly)
    assert (await by_meaning(owner, project))[1] == ["all-MiniLM-L6-v2"]
    assert list(await models_kept(house)) == [1]


async def test_without_a_way_to_the_model_the_words_answer(house: House) -> None:
    owner, guest = await person(house), await person(house, "Gast")
    project = UUID((await make_project(owner[0]))["id"])
    asks = WordModels()
    retrieval = retrieval_of(house, asks)
    await index(house, await make_document(house.database, project, TEXTS))
    await owner[0].put(f"/projects/{project}/embedding", json={"model": "words-48"})
    await embedding.reembed(house.database, retrieval.store, retrieval.embedder_of, project, quietly)
    await share(owner[0], guest[0], guest[1], project_id=str(project))
    refused = await guest[0].put(f"/projects/{project}/embedding", json={"model": None})
    assert refused.json()["code"] == "project.read_only"
    asks.is_away = True
    found = (await guest[0].post("/search", json={"query": "Kündigungsfrist", "explain": True})).json()
    assert found["results"][0]["passages"][0]["found_by"] == ["words"]
    assert found["lacks_vectors"]
    assert found["explained"]["reasons"] == ["no_vectors_found"]
    asks.is_away = False
    assert (await by_meaning(guest[0], project))[0][0] == TEXTS[1]
    assert asks.asked[-1] == (Actor(guest[0].id, Role.USER, session_id=guest[0].session_id), "words-48", 1)


async def test_who_may_not_change_a_project_any_more_reads_and_pays_nothing_in_it(house: House) -> None:
    """An editor chose their model; what comes in after their share was lowered is not sent to their provider."""
    owner, editor = await person(house), await person(house, "Editor")
    project = UUID((await make_project(owner[0]))["id"])
    asks = WordModels()
    retrieval = retrieval_of(house, asks)
    made = await make_document(house.database, project, TEXTS)
    await index(house, made)
    shared = await share(owner[0], editor[0], editor[1], project_id=str(project), role="editor")
    path = f"/projects/{project}/embedding"
    assert (await editor[0].put(path, json={"model": "words-48"})).status_code == 200
    asked = len(asks.asked)
    embedder = await retrieval.embedder_of((await models_of(house, project))[-1], project)
    lowered = await owner[0].patch(f"/shares/{shared['id']}", json={"role": "viewer"})
    assert lowered.status_code == 200, lowered.text
    with pytest.raises(EmbeddingFailed, match="nobody is left"):
        await embedder.embed(TEXTS)
    assert len(asks.asked) == asked
    # The owner takes the choice over.
    assert (await owner[0].put(path, json={"model": "words-48"})).status_code == 200
    await embedding.reembed(house.database, retrieval.store, retrieval.embedder_of, project, quietly)
    assert {actor.user_id for actor, _, _ in asks.asked[asked:]} == {owner[0].id}


async def models_of(house: House, project: UUID) -> list[Model]:
    async with house.database.system("test") as unit:
        return sorted(await repository.models_of(unit, project), key=lambda model: model.id)


async def test_a_model_that_is_too_wide_or_does_not_answer_changes_nothing(house: House) -> None:
    owner = await house.visitor()
    project = (await make_project(owner))["id"]
    asks = WordModels(4001)
    retrieval_of(house, asks)
    wide = await owner.put(f"/projects/{project}/embedding", json={"model": "wide"})
    assert wide.json()["code"] == "retrieval.model_too_wide"
    asks.is_away = True
    away = await owner.put(f"/projects/{project}/embedding", json={"model": "wide"})
    assert away.json()["code"] == "retrieval.embedding_failed"
    assert (await owner.get(f"/projects/{project}/embedding")).json()["model"]["provider"] == "local"


class Practice(OpenAi):
    models: Sequence[str] = ("fake-d16",)


async def test_vectors_of_the_gateway_are_runs_of_whoever_chose_the_model(
    committed_database: Database, settings: Settings
) -> None:
    async with serving(Practice()) as provider, opened(settings, committed_database) as house:
        admin = await administrator(house)
        await add_provider(admin, provider)
        for model in (await admin_models(admin)).values():
            await admin.patch(f"/admin/models/{model['id']}", json={"gives": ["vector"]})
        owner = await house.visitor()
        project = UUID((await make_project(owner))["id"])
        gateway, estimates = gateway_of(house), Estimates(house.database)
        asks = GatewayAsks(WorkersRuns(house.kernel, gateway, estimates), Router(gateway, estimates))
        said = await asks.vectors(owner.actor, ["one", "two"], model="fake-d16", provider=None, project_id=project)
        assert (said.name, [len(vector) for vector in said.vectors]) == ("fake-d16", [16, 16])
        [run] = (await owner.get("/runs", params={"project_id": str(project)})).json()["items"]
        assert (run["kind"], run["state"]) == ("embed", "done")
        # By the name that the answer gave it is found again.
        again = await asks.vectors(owner.actor, ["one"], model=said.name, provider=said.provider, project_id=None)
        assert again.vectors == said.vectors[:1]
