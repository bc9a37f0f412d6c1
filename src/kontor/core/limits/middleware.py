"""Rates and sizes at the door, as pure ASGI: nothing is buffered, and a refusal comes before the work."""

from collections.abc import Callable
from typing import Literal

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kontor.core.errors import Kind, KontorError
from kontor.core.http.problems import problem_of
from kontor.core.limits.rates import Limiter, RouteGroup, require, scope_group
from kontor.core.tenancy import Actor


class BodyTooLarge(KontorError):
    kind, code = Kind.TOO_LARGE, "http.body_too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The request is larger than {limit} bytes.", details={"limit_bytes": limit})


class ContentLengthInvalid(KontorError):
    kind, code = Kind.INVALID, "http.content_length_invalid"

    def __init__(self) -> None:
        super().__init__("The Content-Length of the request is not a number.")


class RateLimit:
    """Once outside of authentication by address, once inside of it by person. Raises; the outermost catch answers."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        limiter: Limiter,
        by: Literal["address", "person"],
        group_of: Callable[[Scope], RouteGroup | None] = scope_group,
    ) -> None:
        self.app = app
        self.limiter = limiter
        self.by = by
        self.group_of = group_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"}:
            group = self.group_of(scope)
            if group is not None:
                await self.take(scope, group)
        await self.app(scope, receive, send)

    async def take(self, scope: Scope, group: RouteGroup) -> None:
        if self.by == "address":
            # Whether this is the true client was settled by whoever believes proxies, further out.
            client = scope.get("client")
            require(await self.limiter.take_for_address(group, client[0] if client else None))
            return
        actor = scope.get("kontor.actor")
        if isinstance(actor, Actor):
            require(await self.limiter.take_for_person(group, actor.user_id))


class BodyLimit:
    """Refuses a body that announces itself too large unread, and one that does not as soon as it has grown too large.

    `limit_of` says what may come for a request; None leaves the counting to the route, as uploads do.
    """

    def __init__(self, app: ASGIApp, *, limit_of: Callable[[Scope], int | None]) -> None:
        self.app = app
        self.limit_of = limit_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = self.limit_of(scope) if scope["type"] == "http" else None
        if limit is None:
            await self.app(scope, receive, send)
            return
        try:
            announced = content_length(scope)
        except ContentLengthInvalid as error:
            await self.refuse(error, scope, receive, send)
            return
        if announced is not None and announced > limit:
            await self.refuse(BodyTooLarge(limit), scope, receive, send)
            return
        await self.count(limit, scope, receive, send)

    async def count(self, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
        arrived = 0
        is_started = False

        async def receive_counted() -> Message:
            nonlocal arrived
            if arrived > limit:
                raise BodyTooLarge(limit)
            message = await receive()
            if message["type"] == "http.request":
                arrived += len(message.get("body", b""))
                if arrived > limit:
                    raise BodyTooLarge(limit)
            return message

        async def send_unless_refused(message: Message) -> None:
            nonlocal is_started
            # Frameworks turn an error while reading into an answer of their own; ours is the truer one.
            if arrived > limit and not is_started:
                return
            is_started = is_started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive_counted, send_unless_refused)
        except BodyTooLarge:
            if is_started:
                raise
        if arrived > limit and not is_started:
            await self.refuse(BodyTooLarge(limit), scope, receive, send)

    @staticmethod
    async def refuse(error: KontorError, scope: Scope, receive: Receive, send: Send) -> None:
        response = problem_of(error, request_id=scope.get("kontor.request_id"))
        # Otherwise the server would go on reading what nobody wants, to keep the connection for the next request.
        response.headers["connection"] = "close"
        await response(scope, receive, send)


def content_length(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length":
            if not value.isdigit() or len(value) > 18:
                raise ContentLengthInvalid
            return int(value)
    return None
