"""The answerer without a model, as the gateway asks it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from kontor.core.tenancy import Actor
from kontor.gateway.estimates import Estimates
from kontor.gateway.passages import NO_PASSAGES
from kontor.gateway.router import Router
from kontor.gateway.runs.ports import Wish
from kontor.gateway.service import Gateway
from kontor.gateway.wire.port import Cited, Text
from tests.factories.house import House
from tests.factories.projects import make_project
from tests.retrieval.test_search import HEATING, LEASE, RENT, library


@pytest.fixture
def anna_asks() -> Mapping[str, Any]:
    return {"role": "user", "content": 'Wie lang ist die "Kündigungsfrist" -\nfür die Wohnung?'}


async def answer(house: House, actor: Actor, message: Mapping[str, Any], **more: Any) -> tuple[str, list[Cited]]:
    gateway: Gateway = house.app.state.gateway
    wish = Wish([message], **more)
    (candidate,) = (await Router(gateway, Estimates(house.database)).route(actor, wish)).candidates
    stream = gateway.answerer.stream(candidate.outgoing, candidate.adapter, candidate.call, candidate.at)
    said = [each async for batch in stream for each in batch]
    return (
        "".join(each.text for each in said if isinstance(each, Text)),
        [each for each in said if isinstance(each, Cited)],
    )


async def test_passages_answer_with_their_sources(house: House, anna_asks: Mapping[str, Any]) -> None:
    anna = await house.visitor()
    (lease,) = await library(house, anna, [RENT, LEASE, HEATING])
    said, cited = await answer(house, anna.actor, anna_asks)
    assert said.startswith(f"> {LEASE}")
    start = len(RENT) + 1
    assert cited[0].url.startswith(f"/doc/{lease.document_id}?page=2&e=m{start}-{start + len(LEASE)}")
    assert cited[0].title.endswith(", p. 2")
    # Only in the project that the question is about.
    elsewhere = await make_project(anna)
    assert await answer(house, anna.actor, anna_asks, project_id=elsewhere["id"]) == (NO_PASSAGES, [])


async def test_nobody_is_answered_from_what_they_may_not_read(house: House, anna_asks: Mapping[str, Any]) -> None:
    anna, berta = await house.visitor(), await house.visitor()
    await library(house, anna, [LEASE])
    assert await answer(house, berta.actor, anna_asks) == (NO_PASSAGES, [])
    # A token that may ask models need not be one that may read documents.
    script = replace(anna.actor, token_scopes=frozenset({"llm"}))
    assert await answer(house, script, anna_asks) == (NO_PASSAGES, [])
    reader = replace(anna.actor, token_scopes=frozenset({"llm", "documents:read"}))
    assert LEASE in (await answer(house, reader, anna_asks))[0]
