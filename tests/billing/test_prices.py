"""Which price holds, who may set one, and what the gate does with those that come in."""

import time

from sqlalchemy import text

from kontor.billing import refreshing
from kontor.core.database import Database


async def test_plant(database: Database) -> None:
    began = time.perf_counter()
    assert await refreshing.plant(database)
    print("planted", time.perf_counter() - began)
    began = time.perf_counter()
    assert not await refreshing.plant(database)
    print("again", time.perf_counter() - began)
    async with database.system("test") as unit:
        for row in await unit.execute(text("SELECT state, count(*), min(valid_from) FROM model_price GROUP BY state")): print(row)
        for row in await unit.execute(text("SELECT provider, model, findings, prices FROM model_price WHERE state='review'")): print(row)
        for row in await unit.execute(text("SELECT f->>'reason' r, f->>'class' c, count(*), min(provider||' '||model) FROM model_price, jsonb_array_elements(findings) f GROUP BY 1,2")): print(row)
