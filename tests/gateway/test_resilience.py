"""Repetition, the circuit breaker and the places: rules over values, with a clock that tests move."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontor.core.clock import clock
from kontor.gateway.resilience import (
    Breaker,
    BreakerRules,
    CircuitKey,
    Circuits,
    CircuitState,
    Gate,
    QueueFull,
    Retry,
    Ticket,
    read_retry_after,
)

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


# Retry-After


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "0.5"}, 0.5),
        ({"Retry-After": "-3"}, 0),
        ({"Retry-After": "Sat, 21 Nov 2026 12:00:09 GMT"}, 9),
        ({"Retry-After": "Sat, 21 Nov 2026 11:00:00 GMT"}, 0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": ""}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "inf"}, 86_400),
        ({"Retry-After": "Sat, 21 Nov 2026 12:00:09"}, None),  # a date without a zone
        ({"retry-after-ms": "250", "Retry-After": "1"}, 0.25),
        ({"retry-after-ms": "x", "Retry-After": "1"}, 1),
    ],
)
def test_both_forms_of_retry_after_are_read(headers: dict[str, str], seconds: float | None) -> None:
    assert read_retry_after(headers, NOW) == seconds


@given(st.text(max_size=40))
def test_no_retry_after_breaks_anything(text: str) -> None:
    found = read_retry_after({"Retry-After": text, "retry-after-ms": text}, NOW)
    assert found is None or 0 <= found <= 86_400


@given(
    attempt=st.integers(1, 9),
    retry_after=st.none() | st.floats(0, 100),
    left=st.floats(0, 100),
    seed=st.integers(0, 99),
)
def test_waits_honour_the_provider_and_the_deadline(
    attempt: int, retry_after: float | None, left: float, seed: int
) -> None:
    rules = Retry(attempts=5)
    wait = rules.wait(attempt, retry_after=retry_after, left_seconds=left, chance=Random(seed))
    if wait is None:
        return
    assert attempt < 5
    assert wait < left
    assert wait <= rules.longest_wait_seconds * 1.1
    if retry_after is not None:
        assert wait >= retry_after


# The circuit breaker

RULES = BreakerRules(window_seconds=30, fewest_calls=6, failure_rate=0.5, open_seconds=15, longest_open_seconds=60)


def later(seconds: float) -> None:
    clock.advance(timedelta(seconds=seconds))


def enter(breaker: Breaker) -> Ticket:
    ticket = breaker.enter()
    assert isinstance(ticket, Ticket)
    return ticket


def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        enter(breaker).bad()


def opened() -> Breaker:
    breaker = Breaker(RULES)
    fail(breaker, 6)
    assert breaker.state is CircuitState.OPEN
    return breaker


def test_few_failures_open_nothing() -> None:
    breaker = Breaker(RULES)
    fail(breaker, 5)
    assert breaker.state is CircuitState.CLOSED


def test_failures_among_many_successes_open_nothing() -> None:
    breaker = Breaker(RULES)
    for _ in range(40):
        enter(breaker).good()
        enter(breaker).good()
        enter(breaker).bad()
    assert breaker.state is CircuitState.CLOSED


def test_failures_of_long_ago_are_forgotten() -> None:
    breaker = Breaker(RULES)
    for _ in range(20):
        fail(breaker)
        later(6.5)
    assert breaker.state is CircuitState.CLOSED


def test_half_of_all_failing_opens_it_and_it_says_for_how_long() -> None:
    breaker = opened()
    assert breaker.enter() == pytest.approx(15, abs=1)
    later(10)
    assert breaker.enter() == pytest.approx(5, abs=1)


def test_one_call_tries_whether_it_goes_again() -> None:
    breaker = opened()
    later(15)
    trial = enter(breaker)
    assert breaker.enter() == 1.0, "the others wait for the trial"
    trial.good()
    assert breaker.state is CircuitState.CLOSED
    fail(breaker, 5)
    assert breaker.state is CircuitState.CLOSED, "what was before is forgotten"


def test_a_failed_trial_opens_it_for_longer_up_to_a_limit() -> None:
    breaker = opened()
    for seconds in (15, 30, 60, 60):
        left = breaker.enter()
        assert left == pytest.approx(seconds, abs=1)
        later(seconds)
        enter(breaker).bad()


def test_a_trial_that_was_left_makes_room_for_another() -> None:
    breaker = opened()
    later(15)
    enter(breaker).left()
    trial = enter(breaker)
    trial.left(has_answered=True)
    assert breaker.state is CircuitState.CLOSED, "a refusal shows that somebody is there"


def test_a_trial_closes_it_with_its_first_word() -> None:
    breaker = opened()
    later(15)
    trial = enter(breaker)
    trial.answered()
    assert isinstance(breaker.enter(), Ticket)
    trial.bad()
    assert breaker.state is CircuitState.CLOSED


def test_what_the_provider_asks_for_is_how_long_it_stays_open() -> None:
    breaker = Breaker(RULES)
    for _ in range(6):
        enter(breaker).bad(90)
    assert breaker.enter() == pytest.approx(90, abs=1)


def test_calls_from_before_decide_nothing_afterwards() -> None:
    breaker = Breaker(RULES)
    old = [enter(breaker) for _ in range(20)]
    fail(breaker, 6)
    for ticket in old[:10]:
        ticket.bad()
    later(15)
    trial = enter(breaker)
    for ticket in old[10:]:
        ticket.good()
    assert breaker.state is CircuitState.HALF_OPEN
    trial.good()
    assert isinstance(breaker.enter(), Ticket)


@given(st.lists(st.sampled_from(["enter", "good", "bad", "left", "answered", "later"]), max_size=80))
def test_no_history_locks_it_for_ever(deeds: list[str]) -> None:
    breaker, held = Breaker(RULES), list[Ticket]()
    try:
        for deed in deeds:
            if deed == "enter":
                entered = breaker.enter()
                if isinstance(entered, Ticket):
                    held.append(entered)
            elif deed == "later":
                later(7)
            elif held:
                held[0].answered() if deed == "answered" else getattr(held.pop(0), deed)()
        for ticket in held:
            ticket.left()
        later(RULES.longest_open_seconds)
        enter(breaker).good()
        assert breaker.state is CircuitState.CLOSED
    finally:
        clock.reset()


def test_each_model_key_and_address_has_a_circuit_of_its_own_and_there_are_not_too_many() -> None:
    circuits = Circuits(RULES, most=10)
    key = CircuitKey(uuid4(), "https://one.example/v1", None, "a")
    fail(circuits.of(key), 6)
    assert circuits.state_of(key) is CircuitState.OPEN
    for other in (
        CircuitKey(key.provider, key.base_url, None, "b"),
        CircuitKey(key.provider, key.base_url, uuid4(), "a"),
        CircuitKey(key.provider, "https://two.example/v1", None, "a"),
    ):
        assert circuits.state_of(other) is CircuitState.CLOSED
        assert isinstance(circuits.of(other).enter(), Ticket)
    for number in range(50):
        circuits.of(CircuitKey(key.provider, f"https://{number}.example", None, "a"))
    assert len(circuits.states()) == 10


# Places


async def settle() -> None:
    """Let everybody who can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


class Crowd:
    """People at a gate, in the order in which they are let in."""

    def __init__(self, gate: Gate, limit: int) -> None:
        self.gate = gate
        self.limit = limit
        self.order: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    def come(self, person: str, times: int = 1) -> None:
        for _ in range(times):
            self.tasks.append(asyncio.create_task(self._one(person)))

    async def _one(self, person: str) -> None:
        await self.gate.enter(person, limit=self.limit, seconds=60)
        self.order.append(person)

    async def drain(self) -> None:
        while self.gate.in_use:
            self.gate.leave()
            await settle()
        await asyncio.gather(*self.tasks)


async def test_people_are_served_in_turn() -> None:
    crowd = Crowd(Gate(), 1)
    crowd.come("ada", 5)
    await settle()
    crowd.come("ben", 2)
    crowd.come("cem")
    await settle()
    await crowd.drain()
    assert crowd.order == ["ada", "ada", "ben", "cem", "ada", "ben", "ada", "ada"]


async def test_there_are_never_more_than_the_limit_and_more_when_it_grows() -> None:
    gate = Gate()
    crowd = Crowd(gate, 2)
    crowd.come("ada", 6)
    await settle()
    assert (gate.in_use, gate.waiting) == (2, 4)
    crowd.limit = 4
    crowd.come("ben")
    await settle()
    assert (gate.in_use, gate.waiting) == (4, 3)
    await crowd.drain()
    assert (gate.in_use, gate.waiting) == (0, 0)


async def test_whoever_waits_too_long_or_leaves_loses_no_place_for_others() -> None:
    gate = Gate()
    await gate.enter("ada", limit=1, seconds=1)
    with pytest.raises(TimeoutError):
        await gate.enter("ben", limit=1, seconds=0.01)
    leaver = asyncio.create_task(gate.enter("cem", limit=1, seconds=60))
    stayer = asyncio.create_task(gate.enter("dan", limit=1, seconds=60))
    await settle()
    leaver.cancel()
    gate.leave()
    await settle()
    assert stayer.done()
    assert (gate.in_use, gate.waiting) == (1, 0)


async def test_a_place_given_and_given_up_in_the_same_moment_goes_on() -> None:
    gate = Gate()
    await gate.enter("ada", limit=1, seconds=1)
    first = asyncio.create_task(gate.enter("ben", limit=1, seconds=60))
    second = asyncio.create_task(gate.enter("cem", limit=1, seconds=60))
    await settle()
    gate.leave()  # gives it to ben, who has not run yet
    first.cancel()
    await settle()
    assert first.cancelled()
    assert second.done()
    assert gate.in_use == 1


async def test_the_queue_has_an_end() -> None:
    gate = Gate(most_waiting=1)
    await gate.enter("ada", limit=1, seconds=1)
    waiting = asyncio.create_task(gate.enter("ada", limit=1, seconds=60))
    await settle()
    with pytest.raises(QueueFull):
        await gate.enter("ada", limit=1, seconds=60)
    waiting.cancel()
    await settle()
    assert gate.waiting == 0


@given(seed=st.integers(0, 10_000), limit=st.integers(1, 4))
def test_any_coming_and_going_loses_no_place(seed: int, limit: int) -> None:
    asyncio.run(come_and_go(Random(seed), limit))


async def come_and_go(drawn: Random, limit: int) -> None:
    gate, crowd = Gate(), list[asyncio.Task[None]]()

    async def visit(person: int) -> None:
        await gate.enter(person, limit=limit, seconds=60)
        try:
            assert gate.in_use <= limit
            for _ in range(drawn.randint(0, 3)):
                await asyncio.sleep(0)
        finally:
            gate.leave()

    deeds: list[Callable[[], object]] = [
        lambda: crowd.append(asyncio.create_task(visit(drawn.randint(0, 3)))),
        lambda: crowd and drawn.choice(crowd).cancel(),
    ]
    for _ in range(60):
        drawn.choice(deeds)()
        if drawn.random() < 0.5:
            await asyncio.sleep(0)
    await asyncio.gather(*crowd, return_exceptions=True)
    assert (gate.in_use, gate.waiting) == (0, 0)


def test_one_gate_for_each_provider() -> None:
    from kontor.gateway.resilience import Gates

    gates, provider = Gates(), UUID(int=1)
    assert gates.of(provider) is gates.of(provider)
    assert gates.of(provider) is not gates.of(UUID(int=2))
