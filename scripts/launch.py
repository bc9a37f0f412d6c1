"""What `./kontor` does before Kontor itself runs: tools, web app, Python packages. Standard library only.

Each part has a stamp of what it was made from; when nothing has changed, this costs a few hundredths of a second and
needs no network.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import build_ui
from build_ui import ROOT, Trouble

TOOLS = ROOT / ".tools"
ENVIRONMENT = ROOT / ".venv"
STAMP = ENVIRONMENT / "kontor-stamp.json"
UV = "uv==0.13.*"
FOR_DEVELOPERS = {"test", "check"}
# These work where the web app cannot be built: above all the one that says what is wrong. Checks build it themselves,
# beside those that do not need it.
WITHOUT_WEB_APP = {"worker", "migrate", "user", "login-link", "vault", "doctor", "openapi", "version", *FOR_DEVELOPERS}


def main(arguments: Sequence[str]) -> int:
    try:
        prepare(
            needs_tests=not FOR_DEVELOPERS.isdisjoint(arguments),
            needs_app=WITHOUT_WEB_APP.isdisjoint(arguments),
        )
    except Trouble as trouble:
        sys.stderr.write(f"\n{trouble}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. The next start goes on from here.\n")
        return 130
    return become(ENVIRONMENT / "bin" / "kontor", arguments)


def become(program: Path, arguments: Sequence[str]) -> NoReturn:
    os.execv(program, [str(program), *arguments])


def prepare(*, needs_tests: bool, needs_app: bool) -> None:
    """Everything is looked at before anything is done, so that a start with nothing to do says nothing."""
    wanted = wanted_environment(needs_tests=needs_tests)
    if is_installed(wanted) and (not needs_app or build_ui.is_fresh()):
        return
    check_python()
    with one_at_a_time():
        wanted = wanted_environment(needs_tests=needs_tests)
        steps: list[tuple[str, Callable[[Callable[[str], None]], None]]] = []
        if not (TOOLS / "bin" / "uv").exists() and not is_installed(wanted):
            steps.append(("Tools", get_tools))
        if not is_installed(wanted):
            steps.append(("Python packages", lambda say: install(wanted)))
        if needs_app and not build_ui.is_fresh():
            steps.append(("Web app", build_ui.build))
        if steps:
            print(f"Setting up Kontor in {ROOT}", flush=True)
        for number, (name, work) in enumerate(steps, 1):
            with progress(f"[{number}/{len(steps)}] {name}") as say:
                work(say)


def wanted_environment(*, needs_tests: bool) -> dict[str, object]:
    """What the environment must be made from. Once there, developers' packages stay."""
    present = read_stamp()
    manifest = hashlib.sha256((ROOT / "pyproject.toml").read_bytes())
    if (ROOT / "uv.lock").exists():
        manifest.update((ROOT / "uv.lock").read_bytes())
    return {
        "python": f"{sys.version_info.major}.{sys.version_info.minor} {Path(sys.executable).resolve()}",
        "place": str(ROOT),
        "manifest": manifest.hexdigest(),
        "tests": needs_tests or present.get("tests") is True or has_developers_packages(),
        "telemetry": bool(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")) or present.get("telemetry") is True,
    }


def has_developers_packages() -> bool:
    """Whether somebody has set up the environment by hand; what they installed is not ours to remove."""
    return any(ENVIRONMENT.glob("lib/python*/site-packages/pytest"))


def read_stamp() -> dict[str, object]:
    try:
        found = json.loads(STAMP.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def is_installed(wanted: dict[str, object]) -> bool:
    return read_stamp() == wanted and (ENVIRONMENT / "bin" / "kontor").exists()


def check_python() -> None:
    try:
        import ensurepip
        import venv
    except ImportError:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise Trouble(
            f"This Python cannot make virtual environments. On Debian and Ubuntu: sudo apt install python{version}-venv"
        ) from None
    del ensurepip, venv
    if not os.access(ROOT, os.W_OK):
        raise Trouble(f"Kontor sets itself up in its own folder, and this user may not write in {ROOT}.")


def get_tools(say: Callable[[str], None]) -> None:
    import venv

    say("making an environment for tools")
    venv.create(TOOLS, with_pip=True)
    say("fetching uv")
    run([str(TOOLS / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", UV])


def install(wanted: dict[str, object]) -> None:
    if read_stamp().get("place") not in {None, str(ROOT)}:
        # The checkout was moved, and the programs in an environment know where they were made.
        shutil.rmtree(ENVIRONMENT)
    STAMP.unlink(missing_ok=True)
    command = [str(TOOLS / "bin" / "uv"), "sync", "--quiet", "--project", str(ROOT)]
    command += [] if wanted["tests"] else ["--no-dev"]
    command += ["--extra", "telemetry"] if wanted["telemetry"] else []
    run([*command, "--python", sys.executable], {"UV_PROJECT_ENVIRONMENT": str(ENVIRONMENT)})
    # The lock that uv has written is part of what the environment was made from.
    STAMP.write_text(json.dumps(wanted_environment(needs_tests=wanted["tests"] is True)), "utf-8")


@contextmanager
def one_at_a_time() -> Iterator[None]:
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another start is setting Kontor up; waiting for it …", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def progress(name: str) -> Iterator[Callable[[str], None]]:
    """One line that tells what is being done and for how long; kept short where nobody watches it move."""
    began, doing, over = time.monotonic(), [""], threading.Event()
    moves = sys.stdout.isatty()

    def show(end: str = "") -> None:
        words = f" {doing[0]}" if doing[0] else ""
        sys.stdout.write(f"\r\033[K{name} …{words} {time.monotonic() - began:.0f} s{end}")
        sys.stdout.flush()

    def keep_showing() -> None:
        while not over.wait(0.5):
            show()

    def say(words: str) -> None:
        doing[0] = words
        if moves:
            show()

    watcher = threading.Thread(target=keep_showing, daemon=True)
    if moves:
        watcher.start()
    else:
        print(f"{name} …", flush=True)
    try:
        yield say
    finally:
        over.set()
        if moves:
            watcher.join()
        doing[0] = ""
    if moves:
        show("\n")
    else:
        print(f"{name} … {time.monotonic() - began:.0f} s", flush=True)


def run(command: Sequence[str], more: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | (more or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()
        raise Trouble(f"`{Path(command[0]).name} {command[1]}` failed. Is the network there?\n{said[-4000:]}")


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main(sys.argv[1:]))
