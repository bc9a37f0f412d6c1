"""Builds the web app into the package, and does nothing when it is there already. Standard library only.

Used by the launcher, by the build of a wheel (hatch_build.py) and by hand: scripts/build_ui.py [--force|--packages]
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "frontend"
TARGET = ROOT / "src" / "kontor" / "_ui"
STAMP = ".stamp"
NODE_AT_LEAST = (20, 19)
NOT_SOURCES = {"node_modules", "dist", "coverage", ".vite"}
NODE_ADVICE = (
    "Install it from https://nodejs.org or with a version manager; on macOS: brew install node; "
    "on Debian and Ubuntu: sudo apt install nodejs npm (where that is version 20.19 or newer)."
)

Say = Callable[[str], None]


class Trouble(Exception):
    """Something that the person can put right; the message says how."""


def is_fresh() -> bool:
    """Whether the built app belongs to these sources. A package without sources brings the built app along."""
    if not (SOURCES / "package.json").exists():
        return (TARGET / "index.html").exists()
    return read(TARGET / STAMP) == digest_of(source_files())


def build(say: Say = lambda words: None) -> None:
    if not (SOURCES / "package.json").exists():
        raise Trouble(f"There is no web app to build: {SOURCES} is missing.")
    stamp = digest_of(source_files())
    check_node()
    install(say)
    say("building")
    node = shutil.which("node") or "node"
    run([node, str(SOURCES / "node_modules" / "vite" / "bin" / "vite.js"), "build", "--logLevel", "warn"])
    draft = TARGET.with_name("_ui.new")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(SOURCES / "dist", draft)
    (draft / STAMP).write_text(stamp, "ascii")
    shutil.rmtree(TARGET, ignore_errors=True)
    draft.rename(TARGET)


def install(say: Say = lambda words: None) -> None:
    """`npm ci`, when the lock has changed since the last one."""
    lock = SOURCES / "package-lock.json"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    mark = SOURCES / "node_modules" / ".kontor-lock"
    if read(mark) == wanted:
        return
    say("fetching packages")
    # No package needs its install scripts to build ours; so none may run any.
    run([shutil.which("npm") or "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"])
    mark.write_text(wanted, "ascii")


def check_node() -> None:
    node = shutil.which("node")
    if node is None:
        raise Trouble(f"Kontor needs Node 20.19 or newer to build the web app; this machine has none. {NODE_ADVICE}")
    shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    found = re.match(r"v(\d+)\.(\d+)", shown)
    if found is None or (int(found[1]), int(found[2])) < NODE_AT_LEAST:
        raise Trouble(f"Kontor needs Node 20.19 or newer to build the web app; this is {shown}. {NODE_ADVICE}")
    if shutil.which("npm") is None:
        raise Trouble("Node is here, but not npm, which fetches packages. On Debian and Ubuntu: sudo apt install npm")


def source_files() -> Iterator[Path]:
    for folder, folders, files in os.walk(SOURCES):
        folders[:] = sorted(name for name in folders if name not in NOT_SOURCES)
        for name in sorted(files):
            yield Path(folder, name)


def digest_of(files: Iterator[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(SOURCES).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def run(command: list[str]) -> None:
    environment = os.environ | {"CI": "1", "NO_COLOR": "1", "NO_UPDATE_NOTIFIER": "1"}
    done = subprocess.run(
        command, cwd=SOURCES, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()
        raise Trouble(f"`{Path(command[0]).name} {' '.join(command[1:3])}` failed:\n{said[-4000:]}")


def read(path: Path) -> str | None:
    try:
        return path.read_text("ascii")
    except OSError:
        return None


if __name__ == "__main__":
    try:
        if "--packages" in sys.argv:
            check_node()
            install()
        elif "--force" in sys.argv or not is_fresh():
            build(lambda words: print(f"Web app: {words}", flush=True))
    except Trouble as trouble:
        sys.exit(str(trouble))
