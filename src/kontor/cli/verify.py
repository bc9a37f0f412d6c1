"""`kontor test` and `kontor check`: everything that proves Kontor, side by side, with one count at the end."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

from kontor.cli.words import FAILED, OK, USAGE, complain, say

ROOT = Path(__file__).resolve().parents[3]
FRONTEND = ROOT / "frontend"
# The first does the same without what draws windows, for a fifth less of the processor.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
LEFT_OUT_OF_ENVIRONMENT = (
    "KONTOR_",
    "DATABASE_",
    "BLOB_",
    "REDIS_",
    "VECTOR_",
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
    after: tuple[str, ...] = ()  # the names of those that it stands on


def test(only: str | None) -> int:
    return run(with_what_they_stand_on([step for step in STEPS if step.is_test], STEPS), only)


def check(only: str | None) -> int:
    return run(STEPS, only)


def with_what_they_stand_on(chosen: Sequence[Step], steps: Sequence[Step]) -> list[Step]:
    names = {step.name for step in chosen}
    more = names.union(*(step.after for step in chosen))
    found = [step for step in steps if step.name in more]
    return found if more == names else with_what_they_stand_on(found, steps)


def run(steps: Sequence[Step], only: str | None) -> int:
    if not (ROOT / "pyproject.toml").exists():
        complain("The tests are part of Kontor's source tree, and this is an installed package.")
        return USAGE
    wanted = only.split(",") if only else [step.name for step in steps]
    unknown = [name for name in wanted if not any(is_part(step, name) for step in steps)]
    if unknown:
        complain(f"There is no step {', '.join(unknown)}. Steps: {', '.join(step.name for step in steps)}")
        return USAGE
    chosen = with_what_they_stand_on([step for step in steps if any(is_part(step, name) for name in wanted)], steps)
    began, total, bad, lines = time.monotonic(), Count(), False, dict[str, str]()
    for step, outcome, took in in_good_order(chosen):
        counted = f"{outcome.count}, " if step.is_test else ""
        state = "ok" if outcome.is_good else "FAILED"
        lines[step.name] = f"  {state:<7} {step.name:<17} {counted}{took}"
        say(lines[step.name])
        total += outcome.count
        if not outcome.is_good:
            bad = True
            say(outcome.said)
            # A step that fails without a failing test still counts: the line at the end never hides it.
            total += Count(failed=0 if outcome.count.failed else 1)
    say(f"\n{time.monotonic() - began:.0f} s in all:")
    for step in chosen:
        say(lines[step.name])
    say()
    say(str(total))
    return FAILED if bad else OK


def is_part(step: Step, name: str) -> bool:
    """`python` means all steps whose names begin with it."""
    return step.name == name or step.name.startswith(f"{name}-")


def in_good_order(steps: Sequence[Step]) -> Iterator[tuple[Step, Outcome, str]]:
    """As they end. Two more at a time than there are cores, because many wait much."""
    waiting, running, ended = list(steps), dict[Future[tuple[Step, Outcome, str]], str](), set[str]()
    room = (os.cpu_count() or 1) + 2
    pool = ThreadPoolExecutor(room)
    try:
        while waiting or running:
            ready = [step for step in waiting if ended.issuperset(step.after)]
            for step in ready[: room - len(running)]:
                waiting.remove(step)
                running[pool.submit(timed, step)] = step.name
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                ended.add(running.pop(future))
                yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


class Spent(threading.local):
    """Of the processor, by what a step has started. The time on the clock says little where others work, too."""

    seconds: float = 0


spent = Spent()


def timed(step: Step) -> tuple[Step, Outcome, str]:
    say(f"{step.does} …")
    began, spent.seconds = time.monotonic(), 0
    outcome = step.run()
    return step, outcome, f"{time.monotonic() - began:.1f} s, {spent.seconds:.1f} s of a core"


def tool(*command: str, cwd: Path = ROOT, **variables: str) -> Outcome:
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, cwd=cwd, env=environment() | variables, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        spent.seconds += used.ru_utime + used.ru_stime
        said.seek(0)
        return Outcome(process.returncode == 0, said.read().decode(errors="replace").strip()[-40_000:])


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
    """The tests in the browser need it too."""
    built = python("scripts/build_ui.py", *([] if (FRONTEND / "dist").is_dir() else ["--force"]))
    return npm("size") if built.is_good else built


def pytest(*arguments: str) -> Outcome:
    """In a process of its own, with a database server, and where needed a Kontor and a browser, of its own."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        done = python("-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}", *arguments)
        count = count_of(report) if report.exists() else Count()
    return Outcome(done.is_good, done.said, count)


def count_of(report: Path) -> Count:
    suites = [suite.attrib for suite in ElementTree.parse(report).getroot().iter("testsuite")]  # noqa: S314 - we wrote it

    def total(name: str) -> int:
        return sum(int(suite.get(name, "0")) for suite in suites)

    failed, skipped = total("failures") + total("errors"), total("skipped")
    return Count(total("tests") - failed - skipped, failed, skipped)


def browser_tests(*arguments: str) -> Outcome:
    is_required = os.environ.get("KONTOR_BROWSER") == "required"
    if find_browser() is None:
        advice = "No Chromium was found. On Debian and Ubuntu: sudo apt install chromium-headless-shell"
        say(f"  {advice}" if is_required else f"  {advice}. The browser tests are left out.")
        return Outcome(not is_required, advice)
    outcome = pytest(*arguments)
    if is_required and outcome.is_good and outcome.count.skipped:
        return Outcome(False, "Browser tests were skipped, and KONTOR_BROWSER is `required`.", outcome.count)
    return outcome


def find_browser() -> str | None:
    named = os.environ.get("KONTOR_CHROMIUM")
    return named or next((found for name in BROWSERS if (found := shutil.which(name))), None)


def frontend_tests() -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "vitest.json"
        done = tool(
            *("node", "node_modules/vitest/vitest.mjs", "run"),
            *("--reporter=dot", "--reporter=json", f"--outputFile.json={report}"),
            cwd=FRONTEND,
            CI="1",
        )
        count = Count()
        if report.exists():
            found = json.loads(report.read_text("utf-8"))
            skipped = found["numPendingTests"] + found.get("numTodoTests", 0)
            count = Count(found["numPassedTests"], found["numFailedTests"], skipped)
    return Outcome(done.is_good, done.said, count)


def npm(script: str) -> Outcome:
    return tool(shutil.which("npm") or "npm", "run", "--silent", script, cwd=FRONTEND)


# Each in a process of its own, which reads its tests once and loads what they need. What is in none of them has a step
# of its own below, so that no test can be left out.
CORE = ("tests/core",)
PEOPLE = ("tests/accounts", "tests/admin", "tests/billing")
GATEWAY = ("tests/gateway",)
INTERFACE = ("tests/fuzz", "tests/test_permissions.py")
CHAOS = ("tests/chaos", "tests/cli/test_up.py")
WEB = ("tests/web",)
BROWSER = ("tests/browser",)
SCREENS = ("tests/browser/test_screens.py",)
NAMED = (*CORE, *PEOPLE, *GATEWAY, *INTERFACE, *CHAOS, *WEB, *BROWSER)


def without(paths: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"--ignore={path}" for path in paths)


def tests(name: str, does: str, run: Callable[..., Outcome], *arguments: str, after: tuple[str, ...] = ()) -> Step:
    return Step(name, does, partial(run, *arguments), is_test=True, after=after)


PACKAGES, APP = ("packages",), ("ui-size",)

# The longest first, those that wait (for a stream, for a page, for somebody to give up) among those that work. At the
# beginning only one of them loads Kontor: where there are no caches yet, two at once would both make all of them.
STEPS = (
    Step("packages", "The front end's packages are there", lambda: python("scripts/build_ui.py", "--packages")),
    tests("python-interface", "Python tests: the whole interface", pytest, *INTERFACE),
    Step("types", "Python's types hold", lambda: tool(installed("mypy"))),
    Step("ui-size", "The web app is built and small enough", app_is_small, after=PACKAGES),
    tests("frontend", "Front-end tests", frontend_tests, after=PACKAGES),
    tests("chaos", "Tests that kill processes", pytest, *CHAOS, after=APP),
    tests("python-web", "Python tests: the web process", pytest, *WEB, after=APP),
    tests("python-gateway", "Python tests: the gateway", pytest, *GATEWAY),
    tests("browser-journeys", "Browser tests: journeys", browser_tests, *BROWSER, *without(SCREENS), after=APP),
    tests("python-people", "Python tests: people and money", pytest, *PEOPLE),
    tests("python-rest", "Python tests: the rest", pytest, *without(NAMED), after=APP),
    tests("python-core", "Python tests: the core", pytest, *CORE, after=APP),
    tests("browser-screens", "Browser tests: each screen", browser_tests, *SCREENS, after=APP),
    Step("ui-types", "The front end's types hold", lambda: npm("types"), after=PACKAGES),
    Step("client", "The generated client is fresh", client_is_fresh, after=PACKAGES),
    Step("ui-lint", "The front end is clean", lambda: npm("lint"), after=PACKAGES),
    Step("format", "Python is formatted", lambda: tool(installed("ruff"), "format", "--check", ".")),
    Step("lint", "Python is clean", lambda: tool(installed("ruff"), "check", ".")),
    Step("layers", "Imports point down", lambda: tool(installed("lint-imports"))),
    Step("locks", "The pins and hashes agree", lambda: python("scripts/lock.py", "--check")),
    Step("docs", "The documents are true", lambda: python("scripts/docs.py", "--check")),
    Step("notices", "The notices of others' work are complete", lambda: python("scripts/notices.py", "--check")),
)
