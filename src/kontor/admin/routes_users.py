"""People, for those who manage them. What a manager may do of it is in `policy.py`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status

from kontor.accounts.audit import person as person_subject
from kontor.accounts.current_caller import CurrentCaller
from kontor.accounts.errors import EmailTaken, LastAdmin, PersonNotFound
from kontor.accounts.full_access import FullAccessRequired, reading
from kontor.accounts.people import State
from kontor.admin import files, users
from kontor.admin.errors import DeedNotAllowed, NoAddress, NotInvited, NotToOneself
from kontor.admin.schemas import (
    FileRead,
    ResetLink,
    SessionsEnded,
    SortKey,
    Suspension,
    UserChange,
    UserCreate,
    UserCreated,
    UserRead,
    UserSessions,
    UserWrite,
)
from kontor.admin.units import CurrentOffice, PeopleReader, PeopleUnit
from kontor.admin.users import Filter
from kontor.core.http.actors import AdminReader, Core, RoleRequired, ScopeRequired, Unauthenticated
from kontor.core.http.idempotency import KontorRoute
from kontor.core.http.paging import PageCursor, PageLimit
from kontor.core.http.problems import problems
from kontor.core.http.versions import SeenVersion, StaleVersion, etag
from kontor.core.ids import UserId
from kontor.core.paging import BadCursor, Page
from kontor.core.tenancy import Role
from kontor.core.text import Line

router = APIRouter(
    prefix="/admin/users",
    tags=["people"],
    route_class=KontorRoute,
    responses=problems(Unauthenticated, RoleRequired, ScopeRequired),
)

Search = Annotated[Line | None, Query(max_length=200, description="Words of the name or the address")]


@router.get("", responses=problems(BadCursor))
async def list_users(
    actor: PeopleReader,
    unit: PeopleUnit,
    *,
    search: Search = None,
    role: Role | None = None,
    state: State | None = None,
    sort: SortKey = "name",
    cursor: PageCursor = None,
    limit: PageLimit = 50,
) -> Page[UserRead]:
    wanted = Filter(search=search, role=role, state=state, sort=sort)
    return await users.list_page(unit, actor, wanted, limit=limit, cursor=cursor)


@router.post("", status_code=status.HTTP_201_CREATED, responses=problems(EmailTaken, DeedNotAllowed))
async def create_user(wanted: UserCreate, office: CurrentOffice, response: Response) -> UserCreated:
    made = await users.create(office, wanted)
    response.headers["ETag"] = etag(made.version)
    return made


@router.get("/{user_id}", responses=problems(PersonNotFound))
async def read_user(user_id: UUID, actor: PeopleReader, unit: PeopleUnit, response: Response) -> UserRead:
    return tagged(await users.read(unit, actor, UserId(user_id)), response)


CHANGE_PROBLEMS = problems(PersonNotFound, DeedNotAllowed, EmailTaken, LastAdmin, StaleVersion)


@router.patch("/{user_id}", responses=CHANGE_PROBLEMS)
async def change_user(
    user_id: UUID, wanted: UserChange, office: CurrentOffice, seen: SeenVersion, response: Response
) -> UserRead:
    return tagged(await users.change(office, UserId(user_id), wanted, seen=seen), response)


@router.put("/{user_id}", responses=CHANGE_PROBLEMS)
async def replace_user(
    user_id: UUID, wanted: UserWrite, office: CurrentOffice, seen: SeenVersion, response: Response
) -> UserRead:
    return tagged(await users.replace(office, UserId(user_id), wanted, seen=seen), response)


@router.delete(
    "/{user_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(PersonNotFound, DeedNotAllowed, NotToOneself, LastAdmin, StaleVersion),
)
async def delete_user(user_id: UUID, office: CurrentOffice, seen: SeenVersion) -> None:
    """The person and everything they own, for good. Their files go from the store with the next sweep."""
    await users.delete(office, UserId(user_id), seen=seen)


@router.post("/{user_id}/suspend", responses=problems(PersonNotFound, NotToOneself, LastAdmin))
async def suspend_user(
    user_id: UUID, office: CurrentOffice, response: Response, wanted: Suspension | None = None
) -> UserRead:
    """At once: every session ends, every key stops, open streams close."""
    return tagged(await users.suspend(office, UserId(user_id), reason=wanted.reason if wanted else None), response)


@router.post("/{user_id}/restore", responses=problems(PersonNotFound))
async def restore_user(user_id: UUID, office: CurrentOffice, response: Response) -> UserRead:
    return tagged(await users.restore(office, UserId(user_id)), response)


@router.post("/{user_id}/approve", responses=problems(PersonNotFound))
async def approve_user(user_id: UUID, office: CurrentOffice, response: Response) -> UserRead:
    return tagged(await users.approve(office, UserId(user_id)), response)


@router.post("/{user_id}/invite", responses=problems(PersonNotFound, NotInvited))
async def invite_user_again(user_id: UUID, office: CurrentOffice) -> UserCreated:
    """A new invitation for somebody who has not accepted theirs; the one before stops working."""
    return await users.invite_again(office, UserId(user_id))


@router.get("/{user_id}/sessions", responses=problems(PersonNotFound))
async def list_user_sessions(user_id: UUID, actor: PeopleReader, unit: PeopleUnit) -> UserSessions:
    """Where somebody is signed in, last seen first."""
    return await users.list_sessions(unit, actor, UserId(user_id))


@router.delete("/{user_id}/sessions", responses=problems(PersonNotFound, DeedNotAllowed))
async def end_user_sessions(user_id: UUID, office: CurrentOffice) -> SessionsEnded:
    return SessionsEnded(ended=await users.end_sessions(office, UserId(user_id)))


@router.post("/{user_id}/reset-link", responses=problems(PersonNotFound, DeedNotAllowed, NoAddress))
async def make_reset_link(user_id: UUID, office: CurrentOffice) -> ResetLink:
    """For somebody who gets no mail. It is a key to their account, so they find a line about it in their record."""
    return ResetLink(url=await users.reset_link(office, UserId(user_id)))


@router.get("/{user_id}/files", responses=problems(PersonNotFound, FullAccessRequired, BadCursor))
async def list_user_files(
    user_id: UUID,
    actor: AdminReader,
    kernel: Core,
    caller: CurrentCaller,
    cursor: PageCursor = None,
    *,
    limit: PageLimit = 50,
) -> Page[FileRead]:
    """Names of files are content: this needs full access, and leaves a line in the record."""
    owner = UserId(user_id)
    async with reading(kernel, actor, owner, person_subject(owner), caller) as unit:
        return await files.list_page(unit, owner, limit=limit, cursor=cursor)


def tagged(user: UserRead, response: Response) -> UserRead:
    response.headers["ETag"] = etag(user.version)
    return user
