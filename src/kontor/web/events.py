"""What happens elsewhere, as it happens: /api/v1/events for readers of streams, /ws/events for readers of sockets."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Annotated, assert_never
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response, WebSocket
from fastapi.responses import StreamingResponse

from kontor.accounts.authentication import SignedIn
from kontor.core.events.publishing import ADMIN_TOPIC, EVERYONE_TOPIC, MANAGER_TOPIC, person_topic
from kontor.core.events.stream import Tick
from kontor.core.http.actors import Core, ProjectReader, ScopeRequired, Unauthenticated
from kontor.core.http.problems import problems
from kontor.core.http.streaming import Beat, Frame, Raw, Source
from kontor.core.kernel import Kernel
from kontor.core.tenancy import Actor, Identity, Role
from kontor.projects import service as projects
from kontor.projects.errors import ProjectNotFound
from kontor.projects.news import project_topic
from kontor.web.middleware import refuse
from kontor.web.streams import HEARTBEAT_SECONDS, EventSource, Streams, serve_socket
from kontor.web.streams import signed_in as streamer_of

router = APIRouter(tags=["events"])
socket_router = APIRouter()

MOST_POSITION_CHARACTERS = 200

After = Annotated[
    str | None, Query(max_length=MOST_POSITION_CHARACTERS, description="Go on after this position; absent: from now")
]


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "A stream that stays open",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **problems(Unauthenticated, ScopeRequired),
    },
)
async def follow_events(
    request: Request,
    kernel: Core,
    after: After = None,
    last_event_id: Annotated[str | None, Header(max_length=MOST_POSITION_CHARACTERS)] = None,
) -> Response:
    """Server-sent events: `event` is the kind, `data` holds id, topic, kind and data, `id` is the position.

    After `reset` everything must be loaded anew. `stream.end` names the reason for which the server ends the stream.
    """
    seen = signed_in(request.scope.get("kontor.session"))
    streams: Streams = request.app.state.streams
    return EventSource(streams, seen, source_of(kernel, seen.actor, last_event_id or after))


@router.get(
    "/projects/{project_id}/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "A stream that stays open",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **problems(Unauthenticated, ScopeRequired, ProjectNotFound),
    },
)
async def follow_project_events(
    project_id: UUID,
    request: Request,
    actor: ProjectReader,
    kernel: Core,
    *,
    after: After = None,
    last_event_id: Annotated[str | None, Header(max_length=MOST_POSITION_CHARACTERS)] = None,
) -> Response:
    """What happens in one project, in the same frames. It ends within 5 s for whoever may not read it any more."""
    async with kernel.database.unit(actor) as unit:
        await projects.require(unit, actor, project_id)
    streams: Streams = request.app.state.streams
    source = frames_of(kernel, actor, [project_topic(project_id)], last_event_id or after)
    return EventSource(streams, streamer_of(request), source, project_id=project_id)


@socket_router.websocket("/ws/events")
async def follow_events_by_socket(websocket: WebSocket, after: After = None) -> None:
    """The same frames as `{"type", "data", "position"}`."""
    try:
        seen = signed_in(websocket.scope.get("kontor.session"))
    except (Unauthenticated, ScopeRequired) as error:
        await refuse(error, websocket.scope, websocket.receive, websocket.send)
        return
    app = websocket.app
    await websocket.accept()
    await serve_socket(
        app.state.streams,
        seen,
        source_of(app.state.kernel, seen.actor, after),
        receive=websocket.receive,
        send=websocket.send,
    )


def signed_in(found: object) -> SignedIn:
    if not isinstance(found, SignedIn):
        raise Unauthenticated
    if found.actor.token_scopes is not None and "account:read" not in found.actor.token_scopes:
        raise ScopeRequired("account:read")
    return found


def topics_of(actor: Actor) -> tuple[Actor | Identity, list[str]]:
    """What the actor may hear, and as whom the rows are read."""
    topics = [person_topic(actor.user_id), EVERYONE_TOPIC]
    if actor.token_scopes is not None and "admin:read" not in actor.token_scopes:
        return actor, topics
    match actor.role:
        case Role.ADMIN:
            return actor.as_admin(), [*topics, ADMIN_TOPIC]
        case Role.MANAGER:
            return actor.as_admin(), [*topics, MANAGER_TOPIC]
        case Role.USER:
            return actor, topics
        case other:
            assert_never(other)


def source_of(kernel: Kernel, actor: Actor, after: str | None) -> Source:
    who, topics = topics_of(actor)
    return frames_of(kernel, who, topics, after)


def frames_of(kernel: Kernel, who: Actor | Identity, topics: Sequence[str], after: str | None) -> Source:
    async def frames() -> AsyncGenerator[Frame | Beat | Raw, None]:
        async with aclosing(kernel.events.subscribe(who, topics, after, tick_seconds=HEARTBEAT_SECONDS)) as news:
            async for event in news:
                if isinstance(event, Tick):
                    yield Beat(event.position)
                else:
                    data = {"id": event.id, "topic": event.topic, "kind": event.kind, "data": event.data}
                    yield Frame(event.kind, data, event.position)

    return frames
