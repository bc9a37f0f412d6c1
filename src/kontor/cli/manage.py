"""Commands that do one thing to an installation and end, beside a running Kontor or without one."""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from kontor.accounts import people
from kontor.cli.up import PLACE_FILE
from kontor.cli.words import FAILED, OK, USAGE, say
from kontor.core import addresses
from kontor.core.errors import Kind, KontorError
from kontor.core.kernel import Kernel
from kontor.core.observability import configure_logging
from kontor.core.processes import is_running
from kontor.core.secrets import FILE_NAME, Secrets, replace_key_file
from kontor.core.settings import Settings, load_settings
from kontor.core.start import open_kernel, prepare_schema
from kontor.core.tenancy import Role
from kontor.core.vault.rotation import RotationReport, count, rotate


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
    return settings.model_copy(update=running_place(settings))


def running_place(settings: Settings) -> dict[str, str | int]:
    """Where the Kontor of this data folder serves, so that links lead there; what was said explicitly wins."""
    place = read_place(settings)
    if place is None:
        return {}
    found = {"kontor_host": place["host"], "kontor_port": place["port"]}
    return {name: value for name, value in found.items() if name not in settings.model_fields_set}


def running_pid(settings: Settings) -> int | None:
    place = read_place(settings)
    return int(place["pid"]) if place else None


def read_place(settings: Settings) -> dict[str, str | int] | None:
    """What the supervisor wrote down, unless it has ended since."""
    try:
        place: dict[str, str | int] = json.loads((settings.kontor_data / PLACE_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return place if is_running(int(place["pid"])) else None


def migrate() -> int:
    settings = load_settings()
    configure_logging(settings)
    with addresses.opened(settings, report=say) as reachable:
        place = addresses.find(reachable, Secrets.load(reachable))
        state = asyncio.run(prepare_schema(reachable, place))
    say(f"The schema is at {state.found}.")
    return OK


def login_link() -> int:
    from kontor.accounts.installation import create_login_link

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


def user(options: argparse.Namespace) -> int:
    async def run() -> None:
        async with installation() as kernel:
            await DEEDS[options.deed](kernel, options)

    asyncio.run(run())
    return OK


async def create_user(kernel: Kernel, options: argparse.Namespace) -> None:
    role = Role.ADMIN if options.admin else Role(options.role)
    password = sys.stdin.readline().rstrip("\n") if options.password_stdin else None
    name = options.name or options.email.partition("@")[0]
    await people.create_person(
        kernel.database, email=options.email, name=name, role=role, password=password, language=options.language
    )
    say(f"{options.email} can sign in as {role.value}.")
    if password is None:
        await print_reset_link(kernel, options)


async def list_users(kernel: Kernel, _: argparse.Namespace) -> None:
    rows = [("E-MAIL", "NAME", "ROLE", "STATE", "LAST SEEN")]
    for person in await people.list_people(kernel.database):
        seen = f"{person.last_seen_at:%Y-%m-%d %H:%M} UTC" if person.last_seen_at else "never"
        rows.append((person.email or str(person.id), person.name, person.role.value, person.state.value, seen))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


async def print_reset_link(kernel: Kernel, options: argparse.Namespace) -> None:
    link = await people.reset_link_for(kernel.database, kernel.settings, options.email)
    say(f"This link sets a new password, once and for a short time:\n\n    {link}\n")


async def set_role(kernel: Kernel, options: argparse.Namespace) -> None:
    await people.change_role_of(kernel.database, options.email, Role(options.role))
    say(f"{options.email} is {options.role} now.")


async def suspend(kernel: Kernel, options: argparse.Namespace) -> None:
    await people.suspend_person(kernel.database, options.email)
    say(f"{options.email} is kept out from now on. To undo that: kontor user restore {options.email}")


async def restore(kernel: Kernel, options: argparse.Namespace) -> None:
    await people.restore_person(kernel.database, options.email)
    say(f"{options.email} can sign in again.")


DEEDS: dict[str, Callable[[Kernel, argparse.Namespace], Awaitable[None]]] = {
    "create": create_user,
    "list": list_users,
    "reset-link": print_reset_link,
    "set-role": set_role,
    "suspend": suspend,
    "restore": restore,
}


def rotate_vault() -> int:
    """Processes that run know only the key they started with, so none may run while a new one takes over."""
    settings = quiet_settings()
    if settings.kontor_master_key is None and (pid := running_pid(settings)):
        raise StillRunning(pid)
    if settings.kontor_master_key is not None and settings.kontor_master_key_old is None:
        say(NEW_KEY_BY_ENVIRONMENT)
        return USAGE

    async def run() -> RotationReport:
        async with installation() as kernel:
            keys = kernel.secrets
            if settings.kontor_master_key is None and (await count(kernel.database, keys)).is_complete:
                # A rotation that was cut off goes on with the key that it had made.
                replace_key_file(settings.kontor_data / FILE_NAME)
                keys = Secrets.load(settings)
            return await rotate(kernel.database, keys, on_progress=lambda done, of: say(f"{done} of {of} …"))

    report = asyncio.run(run())
    say(f"{report.rewrapped} of {report.total} data keys were wrapped with the new master key.")
    if not report.is_complete:
        say(f"{report.left_count} are still under a former key. Keep it, and run this again.")
        return FAILED
    say("Former keys are still needed for what was signed before, such as sessions and links; keep them for 90 days.")
    return OK


NEW_KEY_BY_ENVIRONMENT = """\
The master key of this installation comes from KONTOR_MASTER_KEY. To replace it:
  1. draw a new one:   openssl rand -base64 32
  2. set KONTOR_MASTER_KEY to it and KONTOR_MASTER_KEY_OLD to the present one, everywhere
  3. restart every Kontor process
  4. run this command again, with the same environment"""


class StillRunning(KontorError):
    kind, code = Kind.CONFLICT, "cli.still_running"

    def __init__(self, pid: int) -> None:
        super().__init__(f"Kontor runs (process {pid}) and knows only the present key. Stop it, then run this again.")
