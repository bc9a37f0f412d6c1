"""One's own account: who I am, my password, my devices, my codes, passkeys and tokens."""

from uuid import UUID

from fastapi import APIRouter, Request

from kontor.accounts import answers, me, passkeys, sessions, signin, tokens
from kontor.accounts.current_caller import CurrentCaller
from kontor.accounts.emails import parse_email
from kontor.accounts.errors import (
    CsrfRefused,
    PasskeyNotFound,
    PasskeyRefused,
    PasskeysUnavailable,
    ProofNeeded,
    ScopeTooWide,
    SessionNotFound,
    SessionRequired,
    TokenNotFound,
    TooMany,
    TotpStateWrong,
)
from kontor.accounts.guards import InSession, Proved
from kontor.accounts.schemas import (
    ChangePasswordBody,
    CodeBody,
    EndedRead,
    MeChange,
    MeRead,
    PasskeyCreate,
    PasskeyRead,
    PasskeysRead,
    PersonalTokensRead,
    RecoveryCodesRead,
    SessionRead,
    SessionsRead,
    TokenCreate,
    TokenRead,
    TokenShown,
    TotpRead,
    WebAuthnOptions,
)
from kontor.accounts.sessions import EndReason
from kontor.core.errors import FieldProblem
from kontor.core.http.actors import AccountReader, AccountWriter, Core, ScopeRequired, Unauthenticated
from kontor.core.http.idempotency import KontorRoute
from kontor.core.http.problems import problems
from kontor.core.http.units import Unit
from kontor.core.ids import SessionId
from kontor.core.limits.throttle import TooManyAttempts

router = APIRouter(
    prefix="/auth",
    tags=["account"],
    route_class=KontorRoute,
    responses=problems(Unauthenticated, CsrfRefused, SessionRequired, ScopeRequired),
)


@router.get("/me")
async def read_me(actor: AccountReader, kernel: Core, request: Request) -> MeRead:
    return MeRead.of(await me.read(kernel, actor), csrf_token=answers.csrf_token_for(kernel, request))


@router.patch("/me", responses=problems(FieldProblem, ProofNeeded, TooManyAttempts))
async def change_me(body: MeChange, actor: InSession, kernel: Core, caller: CurrentCaller, request: Request) -> MeRead:
    """A new name is there at once; a new address once the link that was sent to it is used."""
    email = None if body.email is None else parse_email(body.email)
    await me.change(kernel, actor, name=body.name, email=email, address=caller.address)
    return MeRead.of(await me.read(kernel, actor), csrf_token=answers.csrf_token_for(kernel, request))


@router.post("/resend-verification", status_code=202, responses=problems(TooManyAttempts))
async def resend_verification(actor: InSession, kernel: Core, caller: CurrentCaller) -> dict[str, str]:
    """The mail that confirms one's own address, once more. Accepted, always, even where there is nothing to confirm."""
    await signin.in_steady_time(me.send_confirmation_again(kernel, actor, address=caller.address))
    return {}


@router.post("/change-password", status_code=204, responses=problems(FieldProblem, ProofNeeded, TooManyAttempts))
async def change_password(body: ChangePasswordBody, actor: InSession, kernel: Core, caller: CurrentCaller) -> None:
    """Ends all other sessions. The first password, which replaces none, needs a proof of another kind."""
    await me.change_password(
        kernel, actor, current=body.current_password, new=body.new_password, address=caller.address
    )


@router.get("/sessions")
async def list_sessions(actor: AccountReader, unit: Unit) -> SessionsRead:
    found = await sessions.list_alive(unit, actor.user_id)
    return SessionsRead(items=[SessionRead.of(each, current=actor.session_id) for each in found])


@router.delete("/sessions/{session_id}", status_code=204, responses=problems(SessionNotFound))
async def end_session(session_id: UUID, actor: AccountWriter, unit: Unit) -> None:
    await sessions.end_mine(unit, actor, SessionId(session_id))


@router.delete("/sessions")
async def end_other_sessions(actor: AccountWriter, unit: Unit) -> EndedRead:
    ended = await sessions.end_all(unit, actor.user_id, EndReason.ENDED, but=actor.session_id)
    return EndedRead(ended=ended)


@router.post("/totp", responses=problems(ProofNeeded, TotpStateWrong))
async def begin_totp(actor: Proved, kernel: Core) -> TotpRead:
    enrolment = await me.begin_totp(kernel, actor)
    return TotpRead(secret=enrolment.secret, uri=enrolment.uri, qr_svg=enrolment.qr_svg)


@router.post("/totp/confirm", responses=problems(ProofNeeded, TotpStateWrong, FieldProblem, TooManyAttempts))
async def confirm_totp(body: CodeBody, actor: Proved, kernel: Core, caller: CurrentCaller) -> RecoveryCodesRead:
    codes = await me.confirm_totp(kernel, actor, body.code, address=caller.address)
    return RecoveryCodesRead(recovery_codes=codes)


@router.delete("/totp", status_code=204, responses=problems(ProofNeeded, TotpStateWrong))
async def turn_totp_off(actor: Proved, kernel: Core, caller: CurrentCaller) -> None:
    await me.turn_totp_off(kernel, actor, address=caller.address)


@router.post("/totp/recovery-codes", responses=problems(ProofNeeded, TotpStateWrong))
async def renew_recovery_codes(actor: Proved, kernel: Core, caller: CurrentCaller) -> RecoveryCodesRead:
    """New ones; the old ones are worthless from now on."""
    codes = await me.renew_recovery_codes(kernel, actor, address=caller.address)
    return RecoveryCodesRead(recovery_codes=codes)


@router.get("/passkeys")
async def list_passkeys(actor: AccountReader, unit: Unit) -> PasskeysRead:
    return PasskeysRead(items=[PasskeyRead.of(each) for each in await passkeys.list_mine(unit, actor)])


@router.post("/passkeys/options", responses=problems(ProofNeeded, PasskeysUnavailable, TooMany))
async def passkey_options(actor: Proved, kernel: Core) -> WebAuthnOptions:
    async with kernel.database.system("sign-in") as unit:
        return WebAuthnOptions.of(await passkeys.registration_options(unit, kernel, actor))


@router.post("/passkeys", status_code=201, responses=problems(PasskeyRefused, ProofNeeded, PasskeysUnavailable))
async def add_passkey(body: PasskeyCreate, actor: Proved, kernel: Core, caller: CurrentCaller) -> PasskeyRead:
    async with kernel.database.system("sign-in") as unit:
        added = await passkeys.register(
            unit, kernel, actor, name=body.name, credential=body.credential, address=caller.address
        )
        return PasskeyRead.of(added)


@router.delete("/passkeys/{passkey_id}", status_code=204, responses=problems(ProofNeeded, PasskeyNotFound))
async def remove_passkey(passkey_id: UUID, actor: Proved, unit: Unit, caller: CurrentCaller) -> None:
    await passkeys.remove(unit, actor, passkey_id, address=caller.address)


@router.get("/tokens")
async def list_tokens(actor: AccountReader, unit: Unit) -> PersonalTokensRead:
    return PersonalTokensRead(items=[TokenRead.of(each) for each in await tokens.list_mine(unit, actor)])


@router.post("/tokens", status_code=201, responses=problems(ProofNeeded, ScopeTooWide, TooMany))
async def make_token(body: TokenCreate, actor: Proved, unit: Unit, caller: CurrentCaller) -> TokenShown:
    made = await tokens.make(
        unit,
        actor,
        name=body.name,
        scopes=list(body.scopes),
        expires_in_days=body.expires_in_days,
        address=caller.address,
    )
    return TokenShown(**TokenRead.of(made.row).model_dump(), token=made.token)


@router.delete("/tokens/{token_id}", status_code=204, responses=problems(TokenNotFound))
async def revoke_token(token_id: UUID, actor: AccountWriter, unit: Unit, caller: CurrentCaller) -> None:
    await tokens.revoke(unit, actor, token_id, address=caller.address)
