"""Proving once more who one is, for what a session alone may not do."""

from fastapi import APIRouter

from kontor.accounts import passkeys, proof
from kontor.accounts.current_caller import CurrentCaller
from kontor.accounts.errors import CsrfRefused, PasskeyRefused, PasskeysUnavailable, SessionRequired
from kontor.accounts.guards import InSession
from kontor.accounts.schemas import PasskeyAnswer, ProofBody, WebAuthnOptions
from kontor.core.errors import FieldProblem
from kontor.core.http.actors import Core, Unauthenticated
from kontor.core.http.problems import problems
from kontor.core.limits.throttle import TooManyAttempts

router = APIRouter(
    prefix="/auth/prove", tags=["account"], responses=problems(Unauthenticated, CsrfRefused, SessionRequired)
)


@router.post("", status_code=204, responses=problems(FieldProblem, TooManyAttempts))
async def prove(body: ProofBody, actor: InSession, kernel: Core, caller: CurrentCaller) -> None:
    """Good for a quarter of an hour, in this session."""
    if body.code:
        await proof.by_code(kernel, actor, body.code, caller)
    elif body.password:
        await proof.by_password(kernel, actor, body.password, caller)
    else:
        raise FieldProblem("password", "Send your password or a code.", reason="required")


@router.post("/passkey/options", responses=problems(PasskeysUnavailable))
async def proof_options(actor: InSession, kernel: Core) -> WebAuthnOptions:
    return WebAuthnOptions.of(await passkeys.proof_options(kernel, actor))


@router.post("/passkey", status_code=204, responses=problems(PasskeyRefused, PasskeysUnavailable, TooManyAttempts))
async def prove_by_passkey(body: PasskeyAnswer, actor: InSession, kernel: Core, caller: CurrentCaller) -> None:
    await proof.by_passkey(kernel, actor, body.credential, caller)
