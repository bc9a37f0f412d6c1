"""Commands that do one thing to an installation and end, beside a running Kontor or without one."""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from kontor.cli.words import OK, say
from kontor.core import addresses
from kontor.core.kernel import Kernel
from kontor.core.observability import configure_logging
from kontor.core.secrets import Secrets
from kontor.core.settings import Settings, load_settings
from kontor.core.start import open_kernel, prepare_schema


@asynccontextmanager
async def installation() -> AsyncIterator[Kernel]:
    """The core of this installation, on the database that runs or on one that is started for this command."""
    settings = quiet_settings()
    with addresses.opened(settings, report=lambda line: say(f"{line} …")) as reachable:
        async with open_kernel(reachable) as kernel:
            yield kernel


def quiet_settings() -> Settings:
    """A command answers with words; the log is only for what goes wrong."""
    settings = load_settings()
    if "kontor_log_level" not in settings.model_fields_set:
        settings = settings.model_copy(update={"kontor_log_level": "warning"})
    configure_logging(settings)
    return settings


def migrate() -> int:
    settings = load_settings()
    configure_logging(settings)
    with addresses.opened(settings, report=say) as reachable:
        place = addresses.find(reachable, Secrets.load(reachable))
        state = asyncio.run(prepare_schema(reachable, place))
    say(f"The schema is at {state.found}.")
    return OK


def login_link() -> int:
    from kontor.accounts.links import create_login_link

    async def run() -> str | None:
        async with installation() as kernel:
            return await create_login_link(kernel)

    link = asyncio.run(run())
    say(link or "People sign in with their accounts here. For one of them: kontor user reset-link EMAIL")
    return OK


def openapi(output: Path | None) -> int:
    from kontor.web.app import openapi_document

    text = json.dumps(openapi_document(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, "utf-8")
    return OK


def rotate_vault() -> int:
    raise NotImplementedError


def user(options: argparse.Namespace) -> int:
    raise NotImplementedError
