"""Coming in and going out: links, passwords, passkeys, providers; tokens that follow tokens."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from kontor.accounts import answers, audit, cookies, me, oidc, passkeys, registration, sessions, signin
from kontor.accounts.audit import Action
from kontor.accounts.callers import Caller
from kontor.accounts.current_caller import CurrentCaller
from kontor.accounts.emails import parse_email
from kontor.accounts.errors import (
    CodeRefused,
    CodeRequired,
    CsrfRefused,
    ForeignOrigin,
    InvalidCredentials,
    InvalidLink,
    InvalidRefreshToken,
    NotActive,
    PasskeyRefused,
    PasskeysUnavailable,
    ProviderAway,
    ProviderNotFound,
    RegistrationClosed,
    SessionRequired,
)
from kontor.accounts.origins import own_page
from kontor.accounts.registration import Application
from kontor.accounts.schemas import (
    AcceptInvitation,
    ForgotPasswordBody,
    InvitationRead,
    LinkBody,
    LoginBody,
    LoginForm,
    PasskeyAnswer,
    RefreshBody,
    RegisterBody,
    RegisteredRead,
    ResetPasswordBody,
    SignedInRead,
    TokensRead,
    VerifyBody,
    WebAuthnOptions,
)
from kontor.accounts.sessions import EndReason, SessionKind
from kontor.accounts.signin import Given, begin_with_token
from kontor.core.errors import FieldProblem, KontorError
from kontor.core.http.actors import Core, CurrentActor, Unauthenticated
from kontor.core.http.problems import problems
from kontor.core.kernel import Kernel
from kontor.core.limits.throttle import TooManyAttempts

router = APIRouter(prefix="/auth", tags=["sign-in"])

LOGIN_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": LoginBody.model_json_schema()},
            "application/x-www-form-urlencoded": {"schema": LoginForm.model_json_schema()},
        },
    }
}


@router.post("/link", responses=problems(InvalidLink, ForeignOrigin, NotActive, TooManyAttempts))
async def sign_in_by_link(
    body: LinkBody, kernel: Core, caller: CurrentCaller, request: Request, response: Response
) -> SignedInRead:
    """The link that Kontor prints when it starts: works once, for a short time."""
    opened = await signin.sign_in_by_link(kernel, body.token, caller)
    return await answers.with_cookie(kernel, opened, request, response)


@router.post(
    "/login",
    openapi_extra=LOGIN_BODY,
    responses=problems(InvalidCredentials, CodeRequired, CodeRefused, NotActive, ForeignOrigin, TooManyAttempts),
)
async def sign_in(
    kernel: Core, caller: CurrentCaller, request: Request, response: Response
) -> SignedInRead | TokensRead:
    """JSON, or OAuth2's password form (which is always answered with tokens)."""
    body = await login_body(request)
    given = Given(
        email=body.email,
        password=body.password,
        code=body.code,
        is_remembered=body.remember,
        kind=SessionKind.BROWSER if body.cookie else SessionKind.API,
    )
    opened = await signin.sign_in(kernel, given, caller)
    if body.cookie:
        return await answers.with_cookie(kernel, opened, request, response)
    return answers.with_tokens(kernel, opened)


async def login_body(request: Request) -> LoginBody:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "application/x-www-form-urlencoded":
            form = LoginForm.model_validate(dict(await request.form()))
            return LoginBody(email=form.username, password=form.password, code=form.code)
        return LoginBody.model_validate_json(await request.body())
    except ValidationError as reason:
        errors = [{**error, "loc": ("body", *error["loc"])} for error in reason.errors(include_input=False)]
        raise RequestValidationError(errors) from reason


@router.post("/refresh", responses=problems(InvalidRefreshToken))
async def refresh(body: RefreshBody, kernel: Core, caller: CurrentCaller) -> TokensRead:
    """Each refresh token is followed by one other. Within 20 s the same request gets the same answer; later it is taken
    for theft, and the session ends."""
    async with kernel.database.system("sign-in") as unit:
        rotated = await sessions.rotate(unit, kernel.secrets, body.refresh_token, caller)
    # Raised outside of the unit: that a stolen token ended the session must be kept.
    if rotated is None:
        raise InvalidRefreshToken
    return answers.with_tokens(kernel, rotated)


@router.post("/logout", status_code=204, responses=problems(Unauthenticated, CsrfRefused, SessionRequired))
async def sign_out(
    actor: CurrentActor, kernel: Core, caller: CurrentCaller, request: Request, response: Response
) -> None:
    if actor.session_id is None:
        raise SessionRequired
    async with kernel.database.unit(actor) as unit:
        await sessions.end(unit, [actor.session_id], EndReason.LOGOUT)
        await audit.write(
            unit,
            action=Action.SIGNED_OUT,
            actor=actor,
            owner_id=actor.user_id,
            subject=audit.person(actor.user_id),
            address=caller.address,
        )
    cookies.clear_session(response, request, kernel.settings)


@router.post("/register", status_code=202, responses=problems(RegistrationClosed, FieldProblem, TooManyAttempts))
async def register(body: RegisterBody, kernel: Core, caller: CurrentCaller) -> RegisteredRead:
    """The answer is the same for an address that is known. What differs goes to the mailbox."""
    email = parse_email(body.email)
    await kernel.throttle.begin(f"register:{email.key}", caller.address, is_known=False)
    application = Application(email=email, password=body.password, name=body.name, language=body.language)
    state = await registration.register(kernel, application, caller)
    return RegisteredRead(state=state.value)


@router.get("/verify", status_code=303, response_class=RedirectResponse)
async def verify_by_link(
    kernel: Core, caller: CurrentCaller, token: Annotated[str | None, Query(max_length=1000)] = None
) -> RedirectResponse:
    """The link in the mail. It ends on the sign-in page, whatever it was worth, or where a password is chosen."""
    try:
        to_password = await verify_token(kernel, token, caller)
    except KontorError:
        return RedirectResponse("/login?verified=0", status_code=303)
    return RedirectResponse(to_password or "/login?verified=1", status_code=303)


@router.post("/verify", status_code=204, responses=problems(InvalidLink, TooManyAttempts))
async def verify(body: VerifyBody, kernel: Core, caller: CurrentCaller) -> None:
    await verify_token(kernel, body.token, caller)


async def verify_token(kernel: Kernel, token: str | None, caller: Caller) -> str | None:
    attempt = await begin_with_token(kernel, "verify", token, caller)
    to_password = await registration.verify(kernel, token, caller)
    await kernel.throttle.succeeded(attempt)
    return to_password


@router.post("/forgot-password", status_code=202, responses=problems(TooManyAttempts))
async def forgot_password(body: ForgotPasswordBody, kernel: Core, caller: CurrentCaller) -> dict[str, str]:
    """Accepted, always. Whether a mail was sent is seen in the mailbox."""
    await signin.in_steady_time(me.forgot_password(kernel, parse_email(body.email), caller))
    return {}


@router.post("/reset-password", status_code=204, responses=problems(InvalidLink, FieldProblem, TooManyAttempts))
async def reset_password(body: ResetPasswordBody, kernel: Core, caller: CurrentCaller) -> None:
    """Ends all sessions. The link stays good until a password was taken."""
    attempt = await begin_with_token(kernel, "reset", body.token, caller)
    await me.reset_password(kernel, body.token, body.password, caller)
    await kernel.throttle.succeeded(attempt)


@router.get("/invite/{token}", responses=problems(InvalidLink))
async def read_invitation(token: str, kernel: Core) -> InvitationRead:
    found = await registration.read_invitation(kernel, token)
    return InvitationRead(email=found.email, name=found.name, expires_at=found.expires_at)


@router.post("/invite/{token}", responses=problems(InvalidLink, FieldProblem, TooManyAttempts))
async def accept_invitation(
    *, token: str, body: AcceptInvitation, kernel: Core, caller: CurrentCaller, request: Request, response: Response
) -> SignedInRead:
    attempt = await begin_with_token(kernel, "invite", token, caller)
    opened = await registration.accept_invitation(
        kernel, token, name=body.name, password=body.password, language=body.language, caller=caller
    )
    await kernel.throttle.succeeded(attempt)
    return await answers.with_cookie(kernel, opened, request, response)


@router.post("/passkeys/sign-in/options", responses=problems(PasskeysUnavailable))
async def passkey_sign_in_options(kernel: Core) -> WebAuthnOptions:
    return WebAuthnOptions.of(await passkeys.sign_in_options(kernel))


@router.post("/passkeys/sign-in", responses=problems(PasskeyRefused, PasskeysUnavailable, NotActive, TooManyAttempts))
async def sign_in_by_passkey(
    body: PasskeyAnswer, kernel: Core, caller: CurrentCaller, request: Request, response: Response
) -> SignedInRead:
    opened = await passkeys.sign_in(kernel, body.credential, caller)
    return await answers.with_cookie(kernel, opened, request, response)


@router.get("/oidc/{provider}", status_code=303, response_class=RedirectResponse, responses=problems(ProviderNotFound))
async def leave_for_provider(
    *,
    provider: str,
    kernel: Core,
    request: Request,
    wanted: Annotated[str | None, Query(alias="next", description="A page of ours to come back to")] = None,
    fresh: Annotated[bool, Query(description="Have the provider ask who it is, even if it knows")] = False,
) -> RedirectResponse:
    try:
        leaving = await oidc.begin(kernel, provider, back_on=own_page(wanted), is_fresh=fresh)
    except ProviderAway as error:
        return back_to_login(error)
    answer = RedirectResponse(leaving.address, status_code=303)
    cookies.set_sign_in_state(answer, request, kernel.settings, leaving.state)
    return answer


@router.get(
    "/oidc/{provider}/callback",
    status_code=303,
    response_class=RedirectResponse,
    responses=problems(ProviderNotFound),
)
async def come_back_from_provider(
    *,
    provider: str,
    kernel: Core,
    caller: CurrentCaller,
    request: Request,
    code: Annotated[str | None, Query(max_length=4096)] = None,
    state: Annotated[str | None, Query(max_length=200)] = None,
) -> RedirectResponse:
    browser_state = request.cookies.get(cookies.SIGN_IN_STATE)
    try:
        arrived = await oidc.finish(
            kernel, provider, code=code, state=state, browser_state=browser_state, caller=caller
        )
    except ProviderNotFound:
        raise
    except KontorError as error:
        answer = back_to_login(error)
    else:
        opened = arrived.opened
        assert opened.cookie is not None  # noqa: S101 - a provider opens sessions of the browser
        answer = RedirectResponse(arrived.page, status_code=303)
        cookies.set_session(answer, request, kernel.settings, opened.cookie, lasts=opened.cookie_lasts)
    cookies.clear_sign_in_state(answer, request, kernel.settings)
    return answer


def back_to_login(error: KontorError) -> RedirectResponse:
    return RedirectResponse(f"/login?{urlencode({'error': error.code})}", status_code=303)
