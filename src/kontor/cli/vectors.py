"""Moving vectors between PostgreSQL and Qdrant."""

import argparse
import asyncio
import sys

from pydantic import SecretStr

from kontor.cli.manage import installation
from kontor.cli.words import OK, USAGE, complain, say
from kontor.core.kernel import Kernel
from kontor.retrieval import moving
from kontor.retrieval.embedder import LocalEmbedder
from kontor.retrieval.pgvector import PostgresVectors
from kontor.retrieval.ports import VectorStore
from kontor.retrieval.qdrant import QdrantVectors
from kontor.retrieval.service import store_of

POSTGRESQL = "postgresql"


def run(options: argparse.Namespace) -> int:
    key = SecretStr(sys.stdin.readline().strip()) if getattr(options, "key_stdin", False) else None

    async def work() -> int:
        async with installation() as kernel:
            if options.deed == "forget":
                return await forget(kernel)
            return await move(kernel, options.to, key)

    return asyncio.run(work())


async def move(kernel: Kernel, to: str, key: SecretStr | None) -> int:
    source = store_of(kernel.settings, kernel.database)
    target: VectorStore = PostgresVectors(kernel.database) if to == POSTGRESQL else QdrantVectors(to, key)
    if not source.is_elsewhere and not target.is_elsewhere:
        complain("The vectors are in PostgreSQL already. Say `kontor vectors move http://host:6333`.")
        return USAGE
    if source.is_elsewhere and target.is_elsewhere:
        complain("From one Qdrant to another goes by way of PostgreSQL: say `kontor vectors move postgresql` first.")
        return USAGE
    shown = -1

    async def tell(done: int, total: int) -> None:
        nonlocal shown
        if (percent := done * 100 // total) > shown:
            shown = percent
            say(f"{done} of {total} …")

    embedder = LocalEmbedder()
    try:
        lost = await moving.move(kernel.database, source, target, tell)
        # Also where none is lost: whoever was stopped here the last time has lost them then.
        made = await moving.make_missing(kernel.database, target, embedder)
    finally:
        await embedder.close()
        await source.close()
        await target.close()
    if lost or made:
        say(f"{lost} vectors were not in {source.name}; those of {made} texts were made anew.")
    say(f"All vectors are in {target.name} as well. " + NEXT[target.is_elsewhere].format(to=to))
    return OK


NEXT = {
    True: "Start web and workers with VECTOR_URL={to}; then `kontor vectors forget` frees their room in PostgreSQL.",
    False: "Start web and workers without VECTOR_URL; then nobody needs that Qdrant any more.",
}


async def forget(kernel: Kernel) -> int:
    store = store_of(kernel.settings, kernel.database)
    await store.close()
    if not store.is_elsewhere:
        complain("VECTOR_URL names no Qdrant, so the vectors in PostgreSQL are the ones that are searched.")
        return USAGE
    if left := await moving.to_move(kernel.database, store):
        complain(
            f"{left} vectors are in PostgreSQL alone. Say `kontor vectors move {kernel.settings.vector_url}` first."
        )
        return USAGE
    freed = await moving.forget_here(kernel.database)
    say(f"{freed} vectors were removed from PostgreSQL; VACUUM gives their room back.")
    return OK
