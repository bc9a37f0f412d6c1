"""How a sign-in is answered: a cookie for the browser, tokens for programs."""

from fastapi import Request, Response

from kontor.accounts import access_tokens, cookies, me
from kontor.accounts.authentication import Door, SignedIn
from kontor.accounts.schemas import MeRead, SignedInRead, TokensRead
from kontor.accounts.sessions import Opened, Rotated
from kontor.core.ids import SessionId, UserId
from kontor.core.kernel import Kernel
from kontor.core.tenancy import Actor, Role


async def with_cookie(kernel: Kernel, opened: Opened, request: Request, response: Response) -> SignedInRead:
    assert opened.cookie is not None  # noqa: S101 - only sessions of the browser are answered like this
    cookies.set_session(response, request, kernel.settings, opened.cookie, lasts=opened.cookie_lasts)
    actor = Actor(opened.user_id, Role.USER, session_id=opened.session_id)
    csrf_token = access_tokens.csrf_token(kernel.secrets, opened.session_id)
    return SignedInRead(me=MeRead.of(await me.read(kernel, actor), csrf_token=csrf_token), csrf_token=csrf_token)


def with_tokens(kernel: Kernel, opened: Opened | Rotated) -> TokensRead:
    assert opened.refresh_token is not None  # noqa: S101 - only sessions of programs are answered like this
    return tokens_for(kernel, opened.user_id, opened.session_id, opened.refresh_token)


def tokens_for(kernel: Kernel, user_id: UserId, session_id: SessionId, refresh_token: str) -> TokensRead:
    return TokensRead(
        access_token=access_tokens.issue(kernel.secrets, user_id=user_id, session_id=session_id),
        refresh_token=refresh_token,
        expires_in=int(access_tokens.LIFETIME.total_seconds()),
    )


def csrf_token_for(kernel: Kernel, request: Request) -> str | None:
    seen = request.scope.get("kontor.session")
    if not isinstance(seen, SignedIn) or seen.door is not Door.COOKIE or seen.actor.session_id is None:
        return None
    return access_tokens.csrf_token(kernel.secrets, seen.actor.session_id)
