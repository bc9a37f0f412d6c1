"""The browser's cookie: nothing but a random token, out of reach of scripts and of other sites."""

from datetime import timedelta

from starlette.requests import HTTPConnection
from starlette.responses import Response

from kontor.core.settings import Settings

PLAIN = "kontor"
# The prefix makes browsers refuse the cookie unless it is Secure, for "/" and for this host alone.
SECURE = "__Host-kontor"
# Binds the way back from a sign-in provider to the browser that began it.
SIGN_IN_STATE = "kontor-sign-in"


def is_https(settings: Settings, scheme: str) -> bool:
    return scheme in {"https", "wss"} or settings.public_url.startswith("https://")


def session_cookie_name(settings: Settings, scheme: str) -> str:
    return SECURE if is_https(settings, scheme) else PLAIN


def set_session(
    response: Response, connection: HTTPConnection, settings: Settings, token: str, *, lasts: timedelta | None
) -> None:
    scheme = connection.scope["scheme"]
    response.set_cookie(
        session_cookie_name(settings, scheme),
        token,
        max_age=None if lasts is None else int(lasts.total_seconds()),
        path="/",
        secure=is_https(settings, scheme),
        httponly=True,
        samesite="lax",
    )


def clear_session(response: Response, connection: HTTPConnection, settings: Settings) -> None:
    scheme = connection.scope["scheme"]
    response.delete_cookie(
        session_cookie_name(settings, scheme),
        path="/",
        secure=is_https(settings, scheme),
        httponly=True,
        samesite="lax",
    )


def set_sign_in_state(response: Response, connection: HTTPConnection, settings: Settings, state: str) -> None:
    response.set_cookie(
        SIGN_IN_STATE,
        state,
        max_age=600,
        path="/api/v1/auth/oidc",
        secure=is_https(settings, connection.scope["scheme"]),
        httponly=True,
        samesite="lax",
    )


def clear_sign_in_state(response: Response, connection: HTTPConnection, settings: Settings) -> None:
    response.delete_cookie(
        SIGN_IN_STATE,
        path="/api/v1/auth/oidc",
        secure=is_https(settings, connection.scope["scheme"]),
        httponly=True,
        samesite="lax",
    )
