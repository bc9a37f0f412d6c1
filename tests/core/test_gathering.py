"""What waits to be written together: nobody waits where few come, and a crowd is not split for good."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from kontor.core.gathering import LOOK_EVERY, Gathering


@dataclass
class Writer:
    """Takes one batch after the other, and says of each when it may be done with it."""

    most: int = 64
    batches: list[list[int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gathering = Gathering[int](self.most)
        self.may_go_on = asyncio.Semaphore(0)

    async def write(self) -> None:
        while True:
            self.batches.append(await self.gathering.take())
            await self.may_go_on.acquire()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.batches) < count:  # noqa: ASYNC110
                await asyncio.sleep(0)


Written = Callable[[Writer], Awaitable[None]]


async def with_writer(writer: Writer, then: Written) -> None:
    task = asyncio.create_task(writer.write())
    try:
        await then(writer)
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_one_at_a_time_never_waits() -> None:
    async def then(writer: Writer) -> None:
        for number in range(5):
            writer.gathering.add(number)
            for _ in range(5):  # turns of the loop, and no timer fires in them
                await asyncio.sleep(0)
            assert len(writer.batches) == number + 1
            writer.may_go_on.release()

    writer = Writer()
    await with_writer(writer, then)
    assert writer.batches == [[0], [1], [2], [3], [4]]


async def test_what_comes_meanwhile_is_the_next_batch_up_to_the_most_at_once() -> None:
    async def then(writer: Writer) -> None:
        writer.gathering.add(0)
        await writer.until(1)
        for number in range(1, 8):
            writer.gathering.add(number)
        for count in (2, 3, 4):
            writer.may_go_on.release()
            await writer.until(count)

    writer = Writer(most=3)
    await with_writer(writer, then)
    assert writer.batches == [[0], [1, 2, 3], [4, 5, 6], [7]]


async def test_after_a_crowd_a_straggler_waits_for_company() -> None:
    async def then(writer: Writer) -> None:
        for number in range(8):
            writer.gathering.add(number)
        await writer.until(1)
        writer.may_go_on.release()
        await asyncio.sleep(0)
        for number in range(8, 16):
            writer.gathering.add(number)
            await asyncio.sleep(0)
        await writer.until(2)

    writer = Writer()
    await with_writer(writer, then)
    # Six of them are enough: the last two came after the batch had ripened, or with it.
    assert len(writer.batches[1]) >= 6


async def test_two_halves_of_a_crowd_are_brought_together() -> None:
    """Each half comes back while the other one is written: they would take turns for ever."""

    async def then(writer: Writer) -> None:
        halves = [list(range(8)), list(range(8, 16))]
        for number in halves[0]:
            writer.gathering.add(number)
        async with asyncio.timeout(10):
            for count in range(1, 3 * LOOK_EVERY):
                await writer.until(count)
                written = writer.batches[-1]
                if len(written) == 16:
                    return
                for number in halves[1] if written[0] == 0 else halves[0]:
                    writer.gathering.add(number)
                writer.may_go_on.release()
                if (count + 1) % LOOK_EVERY == 0:
                    # Now nobody writes, so whoever was written comes back.
                    await asyncio.sleep(0.005)
                    for number in written:
                        writer.gathering.add(number)
                    await writer.until(count + 1)

    writer = Writer()
    await with_writer(writer, then)
    assert len(writer.batches[-1]) == 16
    assert len(writer.batches) <= 2 * LOOK_EVERY


async def test_nobody_waits_for_company_for_good() -> None:
    async def then(writer: Writer) -> None:
        for number in range(8):
            writer.gathering.add(number)
        await writer.until(1)
        writer.may_go_on.release()
        await asyncio.sleep(0)
        writer.gathering.add(8)
        await writer.until(2)
        writer.may_go_on.release()
        writer.gathering.add(9)
        await writer.until(3)

    writer = Writer()
    await with_writer(writer, then)
    assert writer.batches[1:] == [[8], [9]]


async def test_what_is_put_back_comes_first_and_what_is_taken_out_is_gone() -> None:
    waiting = Gathering[int](64)
    waiting.add(3)
    waiting.put_back([1, 2])
    assert await waiting.take() == [1, 2, 3]
    waiting.add(4)
    assert waiting.take_all() == [4]
    waiting.add(5)
    assert await waiting.take() == [5]
