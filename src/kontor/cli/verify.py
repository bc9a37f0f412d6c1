"""`kontor test` and `kontor check`: everything that proves Kontor, in order, with one count at the end."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree

from kontor.cli.words import FAILED, OK, USAGE, complain, say

ROOT = Path(__file__).resolve().parents[3]
FRONTEND = ROOT / "frontend"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LEFT_OUT_OF_ENVIRONMENT = (
    "KONTOR_",
    "DATABASE_",
    "BLOB_",
    "REDIS_",
    "SMTP_",
    "MAIL_",
    "ADMIN_",
    "OIDC_",
    "OTEL_",
    "PG",
)


@dataclass(frozen=True, slots=True)
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


@dataclass(frozen=True, slots=True)
class Outcome:
    is_good: bool
    said: str = ""
    count: Count = Count()


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    does: str
    run: Callable[[], Outcome]
    is_test: bool = False
    is_alone: bool = False  # uses every core itself, or is what the next ones stand on


def test(only: str | None) -> int:
    return run([step for step in STEPS if step.is_test], only)


def check(only: str | None) -> int:
    return run(STEPS, only)


def run(steps: Sequence[Step], only: str | None) -> int:
    if not (ROOT / "pyproject.toml").exists():
        complain("The tests are part of Kontor's source tree, and this is an installed package.")
        return USAGE
    wanted = only.split(",") if only else [step.name for step in steps]
    unknown = set(wanted) - {step.name for step in steps}
    if unknown:
        complain(f"There is no step {', '.join(sorted(unknown))}. Steps: {', '.join(step.name for step in steps)}")
        return USAGE
    chosen = [step for step in steps if step.name in wanted]
    began, total, bad, lines = time.monotonic(), Count(), list[str](), list[str]()
    for is_alone, group in groupby(chosen, key=lambda step: step.is_alone):
        for step, outcome, seconds in (one_by_one if is_alone else side_by_side)(list(group)):
            counted = f"{outcome.count}, " if step.is_test else ""
            state = "ok" if outcome.is_good else "FAILED"
            lines.append(f"  {state:<7} {step.name:<10} {counted}{seconds:.1f} s")
            say(lines[-1])
            total += outcome.count
            if not outcome.is_good:
                bad.append(step.name)
                say(outcome.said)
                # A step that fails without a failing test still counts: the line at the end never hides it.
                total += Count(failed=0 if outcome.count.failed else 1)
    say(f"\n{time.monotonic() - began:.0f} s in all:")
    for line in lines:
        say(line)
    say()
    say(str(total))
    return FAILED if bad else OK


def timed(step: Step) -> tuple[Step, Outcome, float]:
    began = time.monotonic()
    outcome = step.run()
    return step, outcome, time.monotonic() - began


def one_by_one(steps: Sequence[Step]) -> Iterator[tuple[Step, Outcome, float]]:
    for step in steps:
        say(f"{step.does} …")
        yield timed(step)


def side_by_side(steps: Sequence[Step]) -> Iterator[tuple[Step, Outcome, float]]:
    say("; ".join(step.does for step in steps) + " …")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(timed, steps)


def tool(*command: str, cwd: Path = ROOT) -> Outcome:
    done = subprocess.run(
        [*command], cwd=cwd, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return Outcome(done.returncode == 0, (done.stdout + done.stderr).strip()[-8000:])


def python(*arguments: str) -> Outcome:
    return tool(sys.executable, *arguments)


def installed(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def environment() -> dict[str, str]:
    """Tests are about Kontor, not about how this machine's Kontor is configured."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(LEFT_OUT_OF_ENVIRONMENT)}
    browser = {"KONTOR_BROWSER": os.environ.get("KONTOR_BROWSER"), "KONTOR_CHROMIUM": find_browser()}
    return kept | {name: value for name, value in browser.items() if value}


def client_is_fresh() -> Outcome:
    """The interface's description and the types made from it, made anew and compared."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "openapi.json"
        outcome = python("-m", "kontor.cli.main", "openapi", "--output", str(made))
        if not outcome.is_good:
            return outcome
        if json.loads(made.read_text("utf-8")) != json.loads((FRONTEND / "openapi.json").read_text("utf-8")):
            return Outcome(
                False, "frontend/openapi.json is stale. Write it with: kontor openapi --output frontend/openapi.json"
            )
        bin_folder = FRONTEND / "node_modules" / ".bin"
        types = Path(folder) / "schema.d.ts"
        outcome = tool(
            str(bin_folder / "openapi-typescript"),
            "openapi.json",
            "--output",
            str(types),
            "--alphabetize",
            cwd=FRONTEND,
        )
        if not outcome.is_good:
            return outcome
        present = FRONTEND / "src" / "api" / "generated" / "schema.d.ts"
        formatted = subprocess.run(
            [str(bin_folder / "biome"), "format", f"--stdin-file-path={present.relative_to(FRONTEND)}"],
            cwd=FRONTEND,
            input=types.read_text("utf-8"),
            capture_output=True,
            text=True,
            check=False,
        )
        if formatted.returncode != 0 or formatted.stdout != present.read_text("utf-8"):
            return Outcome(False, "The generated client is stale. Write it with: npm --prefix frontend run generate")
    return Outcome(True)


def app_is_small() -> Outcome:
    """Built first: the tests in the browser need it too."""
    built = python("scripts/build_ui.py", *([] if (FRONTEND / "dist").is_dir() else ["--force"]))
    return npm("size") if built.is_good else built


def pytest(*arguments: str) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", f"--junit-xml={report}", *arguments],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            check=False,
        )
        count = count_of(report) if report.exists() else Count()
    return Outcome(done.returncode == 0, f"pytest ended with status {done.returncode}.", count)


def count_of(report: Path) -> Count:
    suites = [suite.attrib for suite in ElementTree.parse(report).getroot().iter("testsuite")]  # noqa: S314 - we wrote it

    def total(name: str) -> int:
        return sum(int(suite.get(name, "0")) for suite in suites)

    failed, skipped = total("failures") + total("errors"), total("skipped")
    return Count(total("tests") - failed - skipped, failed, skipped)


def on_all_cores(*, spare: int = 0) -> tuple[str, ...]:
    """Each process has a database server, and where it needs them a Kontor and a browser, of its own.

    One to spare is for tests that wait: for a stream to end, for somebody to give up.
    """
    return ("-n", str(min(os.cpu_count() or 1, 4) + spare))


def python_tests() -> Outcome:
    return pytest("-m", "not browser and not chaos", *on_all_cores(spare=1), "--dist", "loadfile")


def chaos_tests() -> Outcome:
    """They wait more than they work, and are not slowed down by those that only work."""
    return pytest("-m", "chaos and not browser", *on_all_cores(spare=1), "--dist", "worksteal")


def browser_tests() -> Outcome:
    is_required = os.environ.get("KONTOR_BROWSER") == "required"
    if find_browser() is None:
        advice = "No Chromium was found. On Debian and Ubuntu: sudo apt install chromium"
        say(f"  {advice}" if is_required else f"  {advice}. The browser tests are left out.")
        return Outcome(not is_required, advice)
    outcome = pytest("-m", "browser", *on_all_cores(), "--dist", "worksteal", "tests/browser")
    if is_required and outcome.is_good and outcome.count.skipped:
        return Outcome(False, "Browser tests were skipped, and KONTOR_BROWSER is `required`.", outcome.count)
    return outcome


def find_browser() -> str | None:
    named = os.environ.get("KONTOR_CHROMIUM")
    return named or next((found for name in BROWSERS if (found := shutil.which(name))), None)


def frontend_tests() -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "vitest.json"
        command = ["node", "node_modules/vitest/vitest.mjs", "run", "--reporter=default", "--reporter=json"]
        done = subprocess.run(
            [*command, f"--outputFile.json={report}"],
            cwd=FRONTEND,
            env=environment() | {"CI": "1"},
            stdin=subprocess.DEVNULL,
            check=False,
        )
        count = Count()
        if report.exists():
            found = json.loads(report.read_text("utf-8"))
            skipped = found["numPendingTests"] + found.get("numTodoTests", 0)
            count = Count(found["numPassedTests"], found["numFailedTests"], skipped)
    return Outcome(done.returncode == 0, f"vitest ended with status {done.returncode}.", count)


def npm(script: str) -> Outcome:
    return tool(shutil.which("npm") or "npm", "run", "--silent", script, cwd=FRONTEND)


STEPS = (
    Step(
        "packages",
        "The front end's packages are there",
        lambda: python("scripts/build_ui.py", "--packages"),
        is_alone=True,
    ),
    Step("types", "Python's types hold", lambda: tool(installed("mypy"))),
    Step("ui-types", "The front end's types hold", lambda: npm("types")),
    Step("client", "The generated client is fresh", client_is_fresh),
    Step("ui-size", "The web app is built and small enough", app_is_small),
    Step("ui-lint", "The front end is clean", lambda: npm("lint")),
    Step("format", "Python is formatted", lambda: tool(installed("ruff"), "format", "--check", ".")),
    Step("lint", "Python is clean", lambda: tool(installed("ruff"), "check", ".")),
    Step("layers", "Imports point down", lambda: tool(installed("lint-imports"))),
    Step("locks", "The pins and hashes agree", lambda: python("scripts/lock.py", "--check")),
    Step("docs", "The documents are true", lambda: python("scripts/docs.py", "--check")),
    Step("notices", "The notices of others' work are complete", lambda: python("scripts/notices.py", "--check")),
    Step("python", "Python tests", python_tests, is_test=True, is_alone=True),
    Step("chaos", "Tests that kill processes", chaos_tests, is_test=True, is_alone=True),
    Step("frontend", "Front-end tests", frontend_tests, is_test=True, is_alone=True),
    Step("browser", "Browser tests", browser_tests, is_test=True, is_alone=True),
)
