"""The OpenAPI document: stable operation ids for the generated client, and problems where FastAPI has its own shape."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from kontor.core.http.problems import PROBLEM_TYPE

METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")
PROBLEM_REF = {"$ref": "#/components/schemas/Problem"}


def operation_id(route: APIRoute) -> str:
    """The function's name. Two functions of one name would make a client that calls the wrong one; a test asks."""
    return route.name


def document(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            tags=app.openapi_tags,
            separate_input_output_schemas=app.separate_input_output_schemas,
        )
        describe_problems(made)
        app.openapi_schema = made
    return app.openapi_schema


def describe_problems(made: dict[str, Any]) -> None:
    """Each error answer is a problem document, the ones of the middleware included."""
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for operations in made["paths"].values():
        for method, operation in operations.items():
            if method not in METHODS:
                continue
            responses = operation.setdefault("responses", {})
            if "parameters" in operation or "requestBody" in operation:
                responses.setdefault("422", {"description": "`http.invalid_request`"})
            # Sizes, rates, hosts, outages: any route may be answered by what stands before it.
            responses["default"] = {"description": "Any other problem"}
            for status, response in responses.items():
                if status == "default" or status.startswith(("4", "5")):
                    response["content"] = {PROBLEM_TYPE: {"schema": PROBLEM_REF}}
