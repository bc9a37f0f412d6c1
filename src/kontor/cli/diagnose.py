"""`kontor doctor`: the checks, printed for a person or for a program."""

import asyncio
import json
import os
from contextlib import ExitStack
from typing import cast

from pydantic import ValidationError

from kontor.cli.words import FAILED, MISCONFIGURED, OK, complain, explain_settings, say
from kontor.core import addresses, doctor
from kontor.core.doctor import Check
from kontor.core.doctor_texts import STATES, Language
from kontor.core.errors import KontorError
from kontor.core.postgres import AlreadyRunning
from kontor.core.settings import Settings, load_settings

SUMMARY: dict[str, dict[Language, str]] = {
    "fail": {
        "en": "Something is wrong; what to do stands below each line.",
        "de": "Etwas stimmt nicht; was zu tun ist, steht unter jeder Zeile.",
    },
    "warn": {"en": "Kontor works; there is something to look at.", "de": "Kontor arbeitet; es gibt etwas anzusehen."},
    "ok": {"en": "All is well.", "de": "Alles in Ordnung."},
}


def run(*, as_json: bool, language: str | None) -> int:
    tongue = cast("Language", language) if language else by_locale(os.environ)
    try:
        settings = load_settings()
    except ValidationError as error:
        complain(explain_settings(error))
        return MISCONFIGURED
    checks = examine(settings)
    worst = next((state for state in ("fail", "warn") if any(check.state == state for check in checks)), "ok")
    if as_json:
        say(json.dumps([as_values(check, tongue) for check in checks], ensure_ascii=False, indent=2))
    else:
        for check in checks:
            print_check(check, tongue)
        say(f"\n{SUMMARY[worst][tongue]}")
    return FAILED if worst == "fail" else OK


def examine(settings: Settings) -> list[Check]:
    """On the running installation; where the embedded database does not run, it is started for the questions."""
    with ExitStack() as stack:
        reachable, trouble = settings, None
        if settings.database_url is None and settings.kontor_data.joinpath("postgres").exists():
            try:
                reachable = stack.enter_context(addresses.opened(settings))
            except AlreadyRunning:
                pass  # it is starting or stopping at this moment; the check itself will tell
            except KontorError as error:
                trouble = error
        checks = asyncio.run(doctor.run_checks(reachable))
    if trouble is not None:
        told = doctor.bad("database", "fail", "database.refused", trouble.code, reason=trouble.message)
        checks = [told if check.id == "database" else check for check in checks]
    if settings.database_url is None and not settings.kontor_data.joinpath("postgres").exists():
        # Nothing was ever started here, and that is no fault.
        checks = [Check("database", "skip") if check.id == "database" else check for check in checks]
    return checks


def print_check(check: Check, language: Language) -> None:
    sign = {"ok": "✓", "warn": "!", "fail": "✗", "skip": "·"}[check.state]
    say(f" {sign} {check.title(language):<28} {check.value or STATES[check.state][language]}")
    if check.advice:
        say(f"     → {check.advise(language)}")


def as_values(check: Check, language: Language) -> dict[str, str]:
    return {
        "id": check.id,
        "title": check.title(language),
        "state": check.state,
        "value": check.value,
        "advice": check.advise(language),
    }


def by_locale(environment: "os._Environ[str]") -> Language:
    spoken = environment.get("LC_ALL") or environment.get("LC_MESSAGES") or environment.get("LANG") or ""
    return "de" if spoken.startswith("de") else "en"
