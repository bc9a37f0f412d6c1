"""What this installation is, for everybody; and its first run, for its owner."""

from fastapi import APIRouter, Request

from kontor.accounts import answers, installation, me, oidc
from kontor.accounts.configuration import KnownConfiguration
from kontor.accounts.current_caller import CurrentCaller
from kontor.accounts.emails import parse_email
from kontor.accounts.errors import CsrfRefused, EmailTaken, ProofNeeded, SetupDone
from kontor.accounts.guards import InSession
from kontor.accounts.installation import Setup
from kontor.accounts.preferences import SettingsChange
from kontor.accounts.schemas import InstallationRead, MeRead, OidcProviderRead, SetupBody
from kontor.core.errors import FieldProblem
from kontor.core.http.actors import Core, Unauthenticated
from kontor.core.http.problems import problems
from kontor.core.settings import Settings
from kontor.core.version import __version__

router = APIRouter(tags=["installation"])


@router.get("/installation")
async def read_installation(kernel: Core, configuration: KnownConfiguration) -> InstallationRead:
    known = await installation.facts(kernel, await configuration.current())
    settings = kernel.settings
    return InstallationRead(
        name=known.configuration.name,
        kind=settings.kontor_kind,
        version=__version__,
        registration=known.configuration.registration if settings.is_multi else "closed",
        setup_needed=known.configuration.set_up_at is None,
        password_sign_in=known.has_password_sign_in,
        oidc=providers(settings),
        languages=["de", "en"],
        mail_configured=kernel.mailer.is_configured,
        passwordless_loopback=not settings.is_multi and settings.is_loopback,
        owners_see_full_access=known.configuration.owners_see_full_access,
    )


def providers(settings: Settings) -> list[OidcProviderRead]:
    if oidc.OidcProvider.of(settings) is None:
        return []
    return [OidcProviderRead(id=oidc.PROVIDER_ID, label=settings.oidc_label)]


@router.post(
    "/setup", responses=problems(Unauthenticated, CsrfRefused, ProofNeeded, SetupDone, EmailTaken, FieldProblem)
)
async def set_up(body: SetupBody, actor: InSession, kernel: Core, caller: CurrentCaller, request: Request) -> MeRead:
    """The first screens of whoever opened the printed link."""
    wanted = Setup(
        name=body.name,
        email=None if body.email is None else parse_email(body.email),
        password=body.password,
        settings=SettingsChange(
            language=body.language, timezone=body.timezone, currency=body.currency, theme=body.theme
        ),
    )
    await installation.set_up(kernel, actor, wanted, address=caller.address)
    return MeRead.of(await me.read(kernel, actor), csrf_token=answers.csrf_token_for(kernel, request))
