"""The whole interface with generated requests, as nobody, as a person and as an administrator.

Always the same requests (the seed is fixed), so a failure here is a failure everywhere. What must hold: no answer says
that we made a mistake, each error is a problem document, each answer is what the document promises, none takes long.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import response_schema_conformance

from kontor.core.clock import now
from kontor.core.ids import new_id
from kontor.core.mail.messages import Trial
from kontor.core.settings import Settings
from kontor.core.tenancy import Role
from kontor.web.app import openapi_document
from tests.conftest import MASTER_KEY
from tests.conftest import Server as PostgresServer
from tests.web.conftest import Live, SignedInPerson, opened_live

pytestmark = pytest.mark.fuzz

SEED = 20261121
# Of the requests for an operation and kind of data, each sends this many; the same ones, so the last sends them all.
# Whoever is refused at the door says little, and what everybody may do an administrator does as anybody does it.
# FUZZ_FACTOR=10 makes it an evening's run of about forty thousand requests.
FACTOR = int(os.environ.get("FUZZ_FACTOR", "1"))
EXAMPLES = {"anonymous": 1 * FACTOR, "admin": 2 * FACTOR, "user": 6 * FACTOR}
EXAMPLES_OF_ADMINISTRATION = {"anonymous": 1 * FACTOR, "user": 1 * FACTOR, "admin": 6 * FACTOR}
SLOWEST_SECONDS = 10.0

# They stay open or take their time on purpose, and are tested on their own.
STREAMS = {"follow_events", "stream_chunks"}

SCHEMA = schemathesis.openapi.from_dict(openapi_document())
OPERATIONS = {
    name: result.ok()
    for result in SCHEMA.get_all_operations()
    if isinstance(result, Ok) and (name := result.ok().definition.raw["operationId"]) not in STREAMS
}


@pytest.fixture(scope="module")
async def live(server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    wanted = Settings(
        kontor_data=tmp_path_factory.mktemp("fuzz"),
        kontor_kind="multi",
        kontor_master_key=MASTER_KEY,
        kontor_rate_factor=0,
    )
    async with opened_live(wanted, server) as made:
        yield made


@dataclass(frozen=True, slots=True)
class Caller:
    headers: Mapping[str, str]
    known: Mapping[str, str]  # ids of things that exist, by the names of path parameters


async def ids(live: Live) -> dict[str, str]:
    """Of things that exist, by the names of path parameters."""
    victim = await live.sign_in()
    async with live.database.system("test") as unit:
        mail_id = await live.state.kernel.mailer.queue(unit, Trial(at=now()), to="a@example.org", language="en")
    return {
        "user_id": str(victim.id), "person_id": str(victim.id), "session_id": str(victim.session_id),
        "mail_id": str(mail_id), "id": str(victim.id), "job_id": str(new_id()),
    }  # fmt: skip


async def caller(live: Live, kind: str, known: Mapping[str, str]) -> Caller:
    """A new one each time: whatever a request does to its sender stays without effect on the others."""
    if kind == "anonymous":
        return Caller({}, known)
    person: SignedInPerson = await live.sign_in(Role.ADMIN if kind == "admin" else Role.USER)
    return Caller(person.headers, {**known, "session_id": str(person.session_id)})


def modes(operation: Any) -> Iterator[GenerationMode]:
    yield GenerationMode.POSITIVE
    if list(operation.iter_parameters()) or operation.body:
        yield GenerationMode.NEGATIVE


@dataclass(frozen=True, slots=True)
class Sample:
    case: Any
    path: Mapping[str, Any]  # as generated
    is_known: bool  # sent with the ids of things that exist


def generated(operation: Any, mode: GenerationMode, count: int) -> list[Sample]:
    samples: list[Sample] = []

    @seed(SEED)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), is_known=st.booleans())
    def keep(case: Any, is_known: bool) -> None:
        samples.append(Sample(case, case.path_parameters or {}, is_known))

    with suppress(Unsatisfiable):
        keep()
    return samples


def attack(samples: Iterable[Sample], url: str, caller: Caller) -> None:
    """Sends the requests one after another."""
    with requests.Session() as session:
        session.trust_env = False  # or it looks for proxies and passwords in files before each request
        for sample in samples:
            case = sample.case
            if sample.is_known and sample.path:
                case.path_parameters = {name: caller.known.get(name, value) for name, value in sample.path.items()}
            began = time.monotonic()
            response = case.call(base_url=url, session=session, headers=dict(caller.headers), timeout=30)
            assert time.monotonic() - began < SLOWEST_SECONDS
            if response.status_code >= 400:
                assert response.headers["content-type"][0] == "application/problem+json", response.text
            case.validate_response(response, checks=[not_a_server_error, response_schema_conformance])


@pytest.mark.parametrize("name", sorted(OPERATIONS))
async def test_no_request_makes_us_fail(live: Live, name: str) -> None:
    operation = OPERATIONS[name]
    examples = EXAMPLES_OF_ADMINISTRATION if operation.path.startswith("/api/v1/admin/") else EXAMPLES
    for mode in modes(operation):
        samples = await asyncio.to_thread(generated, operation, mode, max(examples.values()))
        known = await ids(live)
        # Whoever sends most comes last: what they remove was there for all others.
        for kind, count in examples.items():
            await asyncio.to_thread(attack, samples[:count], live.url, await caller(live, kind, known))
