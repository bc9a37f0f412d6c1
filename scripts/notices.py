"""Writes THIRD_PARTY_NOTICES.md: what others wrote and we ship, and under which terms; with --check, compares.

Shipped are the Python packages of requirements.lock and the packages that the web app is built from. Also checked:
no licence that would bind Kontor's own code, and a reason in docs/dependencies.md for each direct dependency.
"""

import hashlib
import json
import re
import sys
import tomllib
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FRONTEND = ROOT / "frontend"
TARGET = ROOT / "THIRD_PARTY_NOTICES.md"
REASONS = ROOT / "docs" / "dependencies.md"
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
TEXT_NAME = re.compile(r"(licen[cs]e|copying|notice|authors\.txt$)", re.IGNORECASE)
BINDING = re.compile(r"\b(A?GPL|LGPL|GNU|SSPL|BUSL|Commons Clause|EUPL)\b|Lesser General|Affero", re.IGNORECASE)

# Packages whose metadata name no licence; read from the text that they bring.
KNOWN = {"aiohappyeyeballs": "PSF-2.0"}

# Another system or Python installs a few other packages; the file is written and compared on this one.
IS_REFERENCE = sys.platform == "linux" and sys.version_info[:2] == (3, 11)

# Not installed, and read once by the scripts that made our own files of them. The text of each stands in LICENCES.
LICENCES = Path(__file__).parent / "licences"
DATA = (
    ("genai-prices", "0.2.3", "MIT"),  # prices, windows of models
    ("litellm", "1.106.2", "MIT"),  # its list of models: what they take and give, and a second opinion on prices
)

INTRODUCTION = """\
# Third-party notices

Written by `scripts/notices.py`. Kontor itself is Apache-2.0 (LICENSE). What is listed here is the work of others: the
Python packages that it needs to run, the PostgreSQL that one of them brings, the packages that its web app is built
from, and lists of models and prices of which data are taken. Tools that are only used to develop and test Kontor are
not shipped and not listed.
"""


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    licence: str
    texts: tuple[str, ...]


def main(arguments: list[str]) -> int:
    python, web = python_packages(), web_packages()
    text = render(python, web)
    faults = [f"{package.name} is under {package.licence}." for package in [*python, *web] if binds(package)]
    faults += [f"{package.name} names no licence." for package in [*python, *web] if not package.licence]
    needed, reasons = direct_dependencies(), reasons_given()
    faults += [f"docs/dependencies.md gives no reason for {name}." for name in sorted(needed - reasons)]
    faults += [f"docs/dependencies.md speaks of {name}, which is not used." for name in sorted(reasons - needed)]
    if "--check" not in arguments:
        TARGET.write_text(text, "utf-8")
    elif IS_REFERENCE and (not TARGET.exists() or TARGET.read_text("utf-8") != text):
        faults.append("THIRD_PARTY_NOTICES.md is stale. Write it with: python scripts/notices.py")
    print("\n".join(faults) or f"{len(python)} Python packages and {len(web)} of the web app.")
    return 1 if faults else 0


def python_packages() -> list[Package]:
    found = []
    for name, version in PIN.findall((ROOT / "requirements.lock").read_text("utf-8")):
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue  # for another system, or for a Python before or after this one
        found.append(Package(name, version, licence_of(package), texts_of(package)))
    return sorted(found, key=lambda package: package.name.lower())


def licence_of(package: Distribution) -> str:
    metadata = package.metadata
    if "License-Expression" in metadata:
        return metadata["License-Expression"]
    classifiers = [line.rpartition(" :: ")[2] for line in metadata.get_all("Classifier") or [] if "License ::" in line]
    named = [line for line in classifiers if line != "OSI Approved"]
    if named:
        return " and ".join(named)
    text = metadata["License"].strip() if "License" in metadata else ""
    return text if text and "\n" not in text else KNOWN.get(metadata["Name"].lower(), "")


def texts_of(package: Distribution) -> tuple[str, ...]:
    files = [file for file in package.files or [] if ".dist-info" in file.parts[0] and TEXT_NAME.search(str(file))]
    return tuple(clean(Path(str(file.locate())).read_text("utf-8", "replace")) for file in sorted(files, key=str))


def web_packages() -> list[Package]:
    locked = json.loads((FRONTEND / "package-lock.json").read_text("utf-8"))["packages"]
    found: dict[tuple[str, str], Package] = {}
    for place, facts in locked.items():
        # Optional ones are binaries of build tools for one system or another; none of them gets into the app.
        if not place or facts.get("dev") or facts.get("optional") or facts.get("devOptional") or facts.get("peer"):
            continue
        name = place.rpartition("node_modules/")[2]
        folder = FRONTEND / place
        # Some bring others' work along, with its terms beside it in a folder of its own.
        files = [*folder.glob("*"), *folder.glob("[a-z]*/LICENSE*")]
        texts = sorted(file for file in files if file.is_file() and TEXT_NAME.search(file.name))
        licence = facts.get("license", "")
        read = tuple(clean(file.read_text("utf-8", "replace")) for file in texts)
        found[name, facts["version"]] = Package(name, facts["version"], licence, read)
    return sorted(found.values(), key=lambda package: (package.name.lower(), package.version))


def data_sources() -> list[Package]:
    return [
        Package(name, version, licence, (clean((LICENCES / f"{name}.txt").read_text("utf-8")),))
        for name, version, licence in DATA
    ]


def binds(package: Package) -> bool:
    # "MIT OR GPL" leaves the choice to us.
    return all(BINDING.search(choice) is not None for choice in re.split(r"\bOR\b", package.licence))


def direct_dependencies() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    lines = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    lines += [line for extra in project["project"]["optional-dependencies"].values() for line in extra]
    names = {match[0] for line in lines if (match := re.match(r"[A-Za-z0-9._-]+", line))}
    web = json.loads((FRONTEND / "package.json").read_text("utf-8"))
    return names | {*web["dependencies"], *web["devDependencies"]}


def reasons_given() -> set[str]:
    """The names in the first column of the tables."""
    rows = [line.split("|")[1] for line in REASONS.read_text("utf-8").splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def render(python: list[Package], web: list[Package]) -> str:
    texts: dict[str, list[str]] = {}
    data = data_sources()
    for package in [*python, *web, *data]:
        for text in package.texts:
            texts.setdefault(text, []).append(package.name)
    parts = [INTRODUCTION]
    for title, packages in (("Python packages", python), ("Packages of the web app", web), ("Data", data)):
        rows = [f"| {package.name} | {package.version} | {package.licence} |" for package in packages]
        parts.append(
            "\n".join([f"## {title}\n", "| Package | Version | Licence |", "| --- | --- | --- |", *rows]) + "\n"
        )
    parts.append("## Texts\n")
    for text, names in sorted(texts.items(), key=lambda entry: (entry[1][0].lower(), digest(entry[0]))):
        parts.append(f"### {', '.join(dict.fromkeys(names))}\n\n{fence(text)}\n")
    return "\n".join(parts)


def fence(text: str) -> str:
    return f"~~~~text\n{text}\n~~~~"


def clean(text: str) -> str:
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\f", "").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
