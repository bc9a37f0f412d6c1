"""Writes and checks what pins the Python packages, without naming any host: python scripts/lock.py [--check|--upgrade]

uv.lock records where each file was fetched, so it stays out of the repository. Written from it are
- the pins in pyproject.toml, `[tool.uv] constraint-dependencies`, which `uv sync` follows;
- requirements.lock, with hashes, for images and releases: `uv pip sync --require-hashes requirements.lock`.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = ROOT / "pyproject.toml"
REQUIREMENTS = ROOT / "requirements.lock"
LOCK = ROOT / "uv.lock"
BLOCK = re.compile(r"^constraint-dependencies = \[.*?^\]\n", re.MULTILINE | re.DOTALL)
PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)(?: ; (?P<marker>[^\\]+?))?(?: \\)?$", re.MULTILINE
)
HEADER = "# Written by scripts/lock.py from the pins in pyproject.toml. The hashes are those of the files' contents.\n"


def main(arguments: list[str]) -> int:
    if "--check" in arguments:
        faults = check()
        print("\n".join(faults) or "The pins, requirements.lock and uv.lock agree.")
        return 1 if faults else 0
    if "--upgrade" in arguments:
        write_constraints([])
        LOCK.unlink(missing_ok=True)
    uv("lock")
    write_constraints(constraints_of(uv("export", "--all-groups", "--all-extras", "--no-hashes", *QUIET)))
    uv("lock")
    REQUIREMENTS.write_text(HEADER + uv("export", "--no-dev", "--all-extras", *QUIET), "utf-8")
    return 0


QUIET = ("--no-header", "--no-annotate", "--no-emit-project", "--format", "requirements-txt")


def check() -> list[str]:
    """What does not agree. Needs no network: uv.lock was written by the last `uv sync`."""
    constraints = tomllib.loads(MANIFEST.read_text("utf-8"))["tool"]["uv"].get("constraint-dependencies", [])
    requirements = REQUIREMENTS.read_text("utf-8") if REQUIREMENTS.exists() else ""
    faults = [f"{name} is locked at {version}, but not pinned so." for name, version in unpinned(constraints)]
    pinned = {(found["name"], found["version"]) for line in constraints if (found := PIN.match(line))}
    released = [(found["name"], found["version"]) for found in PIN.finditer(requirements)]
    faults += [
        f"requirements.lock has {name} {version}, the pins do not."
        for name, version in released
        if (name, version) not in pinned
    ]
    needed = {name for name, _ in locked_packages()}
    spare = {name for name, _ in [*pinned, *released] if needed and name not in needed}
    faults += [f"{name} is pinned, but nothing needs it any more." for name in sorted(spare)]
    faults += [] if released else ["requirements.lock is missing or empty."]
    faults += [f"requirements.lock has no hash for {name}." for name in without_hash(requirements)]
    faults += [f"{path.name} names a host." for path in (MANIFEST, REQUIREMENTS) if names_index(path)]
    return faults + (["Put it right with: python scripts/lock.py"] if faults else [])


def unpinned(constraints: list[str]) -> list[tuple[str, str]]:
    pins = {(found["name"], found["version"]) for line in constraints if (found := PIN.match(line))}
    return [package for package in locked_packages() if package not in pins]


def locked_packages() -> list[tuple[str, str]]:
    locked = tomllib.loads(LOCK.read_text("utf-8"))["package"] if LOCK.exists() else []
    return [(package["name"], package["version"]) for package in locked if "registry" in package["source"]]


def without_hash(requirements: str) -> list[str]:
    entries = re.split(r"\n(?=[A-Za-z0-9])", requirements)
    return [found["name"] for entry in entries if (found := PIN.search(entry)) and "--hash=sha256:" not in entry]


def names_index(path: Path) -> bool:
    text = path.read_text("utf-8") if path.exists() else ""
    return re.search(r"https?://|--(extra-)?index-url|--find-links", text) is not None


def constraints_of(exported: str) -> list[str]:
    """One line for each package; a marker only where the version depends on the machine."""
    pins: dict[str, dict[str, str | None]] = {}
    for found in PIN.finditer(exported):
        pins.setdefault(found["name"], {})[found["version"]] = found["marker"]
    lines = []
    for name, versions in sorted(pins.items()):
        for version, marker in versions.items():
            is_alone = len(versions) == 1 or marker is None
            lines.append(f"{name}=={version}" if is_alone else f"{name}=={version} ; {marker}")
    return lines


def write_constraints(lines: list[str]) -> None:
    text = MANIFEST.read_text("utf-8")
    # TOML's literal strings, because markers hold double quotes in some versions of uv and single ones in others.
    quoted = [f'  "{line}",\n' if '"' not in line else f"  '{line}',\n" for line in lines]
    block = "constraint-dependencies = [  # written by scripts/lock.py\n" + "".join(quoted) + "]\n"
    if BLOCK.search(text):
        text = BLOCK.sub(lambda _: block, text, count=1)
    else:
        text = text.replace("[tool.uv]\n", "[tool.uv]\n" + block, 1)
    MANIFEST.write_text(text, "utf-8")


def uv(*arguments: str) -> str:
    program = ROOT / ".tools" / "bin" / "uv"
    command = [str(program) if program.exists() else shutil.which("uv") or "uv", *arguments, "--project", str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ, cwd=ROOT)
    if done.returncode != 0:
        sys.exit(f"`uv {arguments[0]}` failed:\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
