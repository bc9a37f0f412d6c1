"""What workers do has a name that an administrator can read."""

import re
from pathlib import Path

import pytest

from kontor.core.database import Database
from kontor.core.kernel import Kernel
from kontor.core.secrets import Secrets
from kontor.core.settings import Settings
from kontor.worker.parts import add_all

TEXTS = Path(__file__).parents[2] / "frontend/src/features/admin/jobs/texts.ts"


@pytest.mark.parametrize("language", ["en", "de"])
async def test_every_kind_of_job_is_named_in_the_administration(
    language: str, database: Database, settings: Settings
) -> None:
    kernel = Kernel(settings, database, Secrets.load(settings))
    try:
        add_all(kernel)
        words = TEXTS.read_text("utf-8")
        part = words[words.index(f"  {language}: {{") :].split("\n  },", 1)[0]
        assert set(kernel.jobs.entries) - set(re.findall(r'"kind\.([a-z_.]+)":', part)) == set()
    finally:
        await kernel.close()
