"""Finding the route of a request without trying them all.

The framework tries one route after another, twice for routers that are included; with a hundred routes that is most of
what a small request costs. Here the first segment of the path picks a router that holds the few it can be.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute, Router
from starlette.types import ASGIApp, Receive, Scope, Send


class Dispatch:
    """`rest` is asked for whatever belongs to no area, and holds everything. `plain`: what has a first segment and a
    router of its own, beside the prefix."""

    def __init__(
        self,
        rest: APIRouter,
        by_area: Mapping[str, APIRouter],
        *,
        prefix: str,
        plain: Mapping[str, Router] | None = None,
    ) -> None:
        self.rest = rest
        self.by_area = by_area
        self.start = prefix + "/"
        self.plain = plain or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        router: Router = self.rest
        if scope["type"] == "http":
            if scope["path"].startswith(self.start):
                router = self.by_area.get(area_of(scope["path"], self.start), self.rest)
            else:
                router = self.plain.get(area_of(scope["path"], "/"), self.rest)
        await router.app(scope, receive, send)


class Application(FastAPI):
    """FastAPI with the dispatch where it has its router: inside of all middleware and error handlers."""

    dispatch: ASGIApp | None = None

    def build_middleware_stack(self) -> ASGIApp:
        if self.dispatch is None:
            return super().build_middleware_stack()
        whole, self.router = self.router, self.dispatch  # type: ignore[assignment]  # only called, by the base
        try:
            return super().build_middleware_stack()
        finally:
            self.router = whole


def areas(routers: Iterable[APIRouter], *, prefix: str) -> Mapping[str, APIRouter]:
    """For each first segment below the prefix, a router that holds every route beginning with it."""
    found: dict[str, list[APIRouter]] = defaultdict(list)
    for router in routers:
        for area in sorted({area_of(prefix + path_of(route), prefix + "/") for route in router.routes}):
            found[area].append(router)
    by_area = {}
    for area, members in found.items():
        if "{" in area:
            raise ValueError(f"The first segment of {area} must be a name.")
        by_area[area] = APIRouter(redirect_slashes=False)
        for router in members:
            by_area[area].include_router(router, prefix=prefix)
    return by_area


def path_of(route: BaseRoute) -> str:
    path: str = route.path  # type: ignore[attr-defined]  # every route that a router of ours holds has one
    return path


def area_of(path: str, start: str) -> str:
    return path[len(start) :].split("/", 1)[0]
