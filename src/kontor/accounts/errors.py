"""What can go wrong with people and signing in. None of these says whether an address is known."""

from kontor.core.errors import Kind, KontorError


class InvalidCredentials(KontorError):
    kind, code = Kind.UNAUTHENTICATED, "auth.invalid_credentials"

    def __init__(self) -> None:
        super().__init__("This address and password do not belong together.")


class CodeRequired(KontorError):
    kind, code = Kind.UNAUTHENTICATED, "auth.code_required"

    def __init__(self) -> None:
        super().__init__("Send the code of your authenticator app as well, or a recovery code.")


class CodeRefused(KontorError):
    kind, code = Kind.UNAUTHENTICATED, "auth.code_refused"

    def __init__(self) -> None:
        super().__init__("This code is wrong, or it was used already. Wait for the next one.")


class NotActive(KontorError):
    """Only said to somebody who has proved who they are."""

    kind, code = Kind.FORBIDDEN, "auth.not_active"

    def __init__(self, state: str) -> None:
        super().__init__("This account cannot be used at the moment.", details={"state": state})


class InvalidLink(KontorError):
    """One answer for missing, used, expired and foreign ones, so that trying teaches nothing."""

    kind, code = Kind.INVALID, "auth.invalid_link"

    def __init__(self) -> None:
        super().__init__("This link does not work (any more). Ask for a new one.")


class InvalidRefreshToken(KontorError):
    kind, code = Kind.UNAUTHENTICATED, "auth.invalid_refresh_token"

    def __init__(self) -> None:
        super().__init__("This refresh token does not work (any more). Sign in again.")


class RegistrationClosed(KontorError):
    kind, code = Kind.FORBIDDEN, "auth.registration_closed"

    def __init__(self) -> None:
        super().__init__("Registration is closed here. Ask for an invitation.")


class CsrfRefused(KontorError):
    kind, code = Kind.FORBIDDEN, "auth.csrf"

    def __init__(self) -> None:
        super().__init__("The request does not carry this session's X-Kontor-CSRF token. Load the page again.")


class ForeignOrigin(KontorError):
    kind, code = Kind.FORBIDDEN, "auth.foreign_origin"

    def __init__(self) -> None:
        super().__init__("The request comes from another site.")


class WrongContentType(KontorError):
    kind, code = Kind.UNSUPPORTED, "http.json_expected"

    def __init__(self) -> None:
        super().__init__("Send JSON with `Content-Type: application/json`.")


class SessionRequired(KontorError):
    kind, code = Kind.FORBIDDEN, "auth.session_required"

    def __init__(self) -> None:
        super().__init__("A personal access token may not do this. Sign in.")


class ProofNeeded(KontorError):
    """No 401: the session is fine, and a client must not take this for the end of it."""

    kind, code = Kind.FORBIDDEN, "auth.proof_needed"

    def __init__(self, methods: list[str]) -> None:
        super().__init__("Prove once more that it is you, then repeat the request.", details={"methods": methods})


class ScopeTooWide(KontorError):
    kind, code = Kind.FORBIDDEN, "auth.scope_too_wide"

    def __init__(self, scopes: list[str]) -> None:
        super().__init__("A token never may more than its owner.", details={"scopes": scopes})


class SessionNotFound(KontorError):
    kind, code = Kind.NOT_FOUND, "auth.session_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such session.")


class TokenNotFound(KontorError):
    kind, code = Kind.NOT_FOUND, "auth.token_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such token.")


class TooMany(KontorError):
    kind, code = Kind.CONFLICT, "auth.too_many"

    def __init__(self, what: str, most: int) -> None:
        super().__init__(f"You have {most} {what} already. Remove one first.", details={"most": most})


class PasskeyNotFound(KontorError):
    kind, code = Kind.NOT_FOUND, "auth.passkey_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such passkey.")


class PasskeyRefused(KontorError):
    kind, code = Kind.INVALID, "auth.passkey_refused"

    def __init__(self) -> None:
        super().__init__("This passkey could not be verified. Try again.")


class PasskeysUnavailable(KontorError):
    kind, code = Kind.CONFLICT, "auth.passkeys_unavailable"

    def __init__(self) -> None:
        super().__init__("Passkeys need an address with a name: set KONTOR_URL, or open Kontor as localhost.")


class TotpStateWrong(KontorError):
    kind, code = Kind.CONFLICT, "auth.totp_state"

    def __init__(self, *, is_on: bool) -> None:
        super().__init__("Codes are switched on already." if is_on else "Codes are not switched on.")


class ProviderNotFound(KontorError):
    kind, code = Kind.NOT_FOUND, "auth.provider_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such sign-in provider.")


class ProviderAway(KontorError):
    kind, code = Kind.UNAVAILABLE, "auth.provider_away"

    def __init__(self) -> None:
        super().__init__("The sign-in provider does not answer right now.", retry_after=10)


class Busy(KontorError):
    kind, code = Kind.UNAVAILABLE, "auth.busy"

    def __init__(self) -> None:
        super().__init__("Many people are signing in right now. Try again in a moment.", retry_after=2)


class PersonNotFound(KontorError):
    kind, code = Kind.NOT_FOUND, "people.not_found"

    def __init__(self) -> None:
        super().__init__("There is no such person.")


class EmailTaken(KontorError):
    """Only for those who manage people."""

    kind, code = Kind.CONFLICT, "people.email_taken"

    def __init__(self) -> None:
        super().__init__("Somebody has this address already.")


class LastAdmin(KontorError):
    kind, code = Kind.CONFLICT, "people.last_admin"

    def __init__(self) -> None:
        super().__init__("This is the last administrator. Make somebody else one first.")


class SetupDone(KontorError):
    kind, code = Kind.CONFLICT, "setup.done"

    def __init__(self) -> None:
        super().__init__("Setting up is done. Change things in the settings.")
