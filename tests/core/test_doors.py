"""Where a transaction may act for nobody. The list is short so that it can be read; a new door is a decision."""

import ast
from collections import Counter
from pathlib import Path
from typing import get_args

import kontor
from kontor.core.tenancy import SystemPurpose

SOURCE = Path(kontor.__file__).parent

# Packages that open units as the system, and for what.
DOORS = {
    ("accounts", "configuration"),
    ("accounts", "people"),
    ("accounts", "sign-in"),
    ("accounts", "sweep"),  # forgets old client addresses
    ("admin", "health"),
    ("admin", "people"),
    ("billing", "billing"),
    ("core", "events"),
    ("core", "jobs"),
    ("core", "mail"),
    ("core", "sweep"),
    ("core", "vault"),
    ("documents", "documents"),
    ("gateway", "billing"),
    ("gateway", "configuration"),
    ("gateway", "health"),
    ("gateway", "projects"),
    ("gateway", "runs"),
    ("gateway", "sign-in"),
    ("gateway", "sweep"),
    ("gateway", "vault"),
    ("projects", "people"),
    ("projects", "projects"),
    ("retrieval", "people"),  # whether whoever chose a paid model, and pays for it, is still here
    ("retrieval", "retrieval"),  # indexing is no person's work
    ("web", "health"),
    ("worker", "sweep"),
}


def doors() -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for path in SOURCE.rglob("*.py"):
        package = path.relative_to(SOURCE).parts[0]
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in {"system", "elevated", "OwnConnection"} and node.args:
                purpose = node.args[-1]
                assert isinstance(purpose, ast.Constant), f"{path}:{node.lineno} names its purpose elsewhere"
                found[package, str(purpose.value)] += 1
    return found


def test_only_the_listed_packages_act_for_nobody_and_only_for_the_listed_purposes() -> None:
    assert set(doors()) == DOORS


def test_no_purpose_is_left_over() -> None:
    assert {purpose for _, purpose in DOORS} | {"test"} == set(get_args(SystemPurpose))
