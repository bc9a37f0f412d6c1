"""The document that clients are generated from."""

import inspect
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from kontor.web import health
from kontor.web.app import openapi_document
from kontor.web.openapi import METHODS
from kontor.web.routers import api_routers

# Names that FastAPI would add with shapes of its own.
FOREIGN = {"HTTPValidationError", "ValidationError"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi_document()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield method, path, operation


def test_operations_are_called_by_one_short_name_each(document: dict[str, Any]) -> None:
    names = Counter(operation["operationId"] for _, _, operation in operations(document))
    assert [name for name, count in names.items() if count > 1] == []
    assert all(name.isidentifier() and len(name) <= 40 for name in names)


def test_no_two_shapes_have_the_same_name(document: dict[str, Any]) -> None:
    """Of two, both would be named by their modules, and clients would carry these names about."""
    assert [name for name in document["components"]["schemas"] if "__" in name] == []


def test_every_error_answer_is_a_problem(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        for status, response in operation["responses"].items():
            if status == "default" or status.startswith(("4", "5")):
                assert list(response["content"]) == ["application/problem+json"], (method, path, status)
        if path.startswith("/api/"):
            assert "default" in operation["responses"]
    assert not FOREIGN & set(document["components"]["schemas"])
    assert "Problem" in document["components"]["schemas"]


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    used = set()

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                used.add(node["$ref"])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(document)
    assert used <= known


def test_the_document_needs_neither_database_nor_environment(tmp_path: Path) -> None:
    program = "import json; from kontor.web.app import openapi_document; print(json.dumps(openapi_document()))"
    shown = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, check=True, cwd=tmp_path, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert json.loads(shown.stdout) == openapi_document()
    assert not list(tmp_path.iterdir())


def test_nothing_is_sent_to_a_thread_on_the_way_to_a_route() -> None:
    """Plain functions as routes or dependencies cost a thread each; a coroutine costs nothing."""
    plain: set[str] = set()

    def walk(dependant: Dependant) -> None:
        call = dependant.call
        assert call is not None
        target = call if inspect.isroutine(call) else type(call).__call__
        if not (inspect.iscoroutinefunction(target) or inspect.isasyncgenfunction(target)):
            plain.add(f"{call.__module__}.{getattr(call, '__qualname__', type(call).__qualname__)}")
        for inner in dependant.dependencies:
            walk(inner)

    for router in [*api_routers(), health.router]:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            walk(route.dependant)
    assert plain == set()
