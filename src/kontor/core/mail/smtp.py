"""Mail by SMTP. The standard library speaks it; a thread keeps its waiting out of ours."""

import asyncio
import smtplib
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTPUTF8
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from kontor.core.loopback import is_loopback
from kontor.core.mail.ports import Envelope, MailRefused, MailServerAway, MailUnclear

STEP_SECONDS = 20.0
TOTAL_SECONDS = 75.0

Security = Literal["tls", "starttls", "if_offered", "none"]


@dataclass(frozen=True, slots=True)
class SmtpServer:
    host: str
    port: int
    security: Security
    user: str | None
    password: str | None

    @classmethod
    def parse(cls, url: str) -> "SmtpServer":
        """`smtps://` is TLS from the first byte; `smtp://` demands STARTTLS, except of a server on this machine.

        `?starttls=if_offered` and `?starttls=never` are for relays in one's own network.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ValueError("SMTP_URL must look like smtp://user:password@host:587 or smtps://user:password@host:465")
        wish = parse_qs(parts.query).get("starttls", [""])[-1]
        security: Security
        if parts.scheme == "smtps":
            security = "tls"
        elif wish == "never":
            security = "none"
        elif wish == "if_offered" or (not wish and is_loopback(parts.hostname)):
            security = "if_offered"
        else:
            security = "starttls"
        user = unquote(parts.username) if parts.username else None
        password = unquote(parts.password) if parts.password else None
        return cls(parts.hostname, parts.port or (465 if security == "tls" else 587), security, user, password)


class SmtpCarrier:
    def __init__(
        self,
        server: SmtpServer,
        *,
        tls: ssl.SSLContext | None = None,
        step_seconds: float = STEP_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._server = server
        self._tls = tls
        self._step_seconds = step_seconds
        self._total_seconds = total_seconds

    async def carry(self, envelope: Envelope, *, before_handing_over: Callable[[], Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        talk = _Talk(self._server, self._tls, self._step_seconds)
        # A server that sends a byte now and then would outlast any timeout of a step.
        alarm = loop.call_later(self._total_seconds, talk.hang_up)
        try:
            await asyncio.to_thread(talk.agree, envelope)
            await before_handing_over()
            await asyncio.to_thread(talk.hand_over, envelope.message)
        finally:
            alarm.cancel()
            await asyncio.shield(asyncio.to_thread(talk.leave))


class _Talk:
    """One conversation, used by one thread at a time."""

    def __init__(self, server: SmtpServer, tls: ssl.SSLContext | None, step_seconds: float) -> None:
        self._server = server
        self._tls = tls or ssl.create_default_context()
        self._step_seconds = step_seconds
        self._smtp: smtplib.SMTP | None = None
        self._is_utf8 = False

    def agree(self, envelope: Envelope) -> None:
        """Everything that can be said no to before the mail itself leaves."""
        try:
            self._connect()
            self._address(envelope)
        except smtplib.SMTPAuthenticationError as error:
            # Somebody must change the settings, but the mail is not at fault: later tries may succeed.
            raise MailServerAway(f"The mail server refused our user or password ({error.smtp_code}).") from error
        except smtplib.SMTPResponseException as error:
            raise answer(error.smtp_code, error.smtp_error) from error
        except ssl.SSLError as error:
            raise MailServerAway(
                f"The mail server's certificate or encryption was refused ({error.reason})."
            ) from error
        except (OSError, smtplib.SMTPException, EOFError) as error:
            raise MailServerAway(f"The mail server could not be talked to ({type(error).__name__}).") from error

    def _connect(self) -> None:
        server = self._server
        if server.security == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(timeout=self._step_seconds, context=self._tls)
        else:
            smtp = smtplib.SMTP(timeout=self._step_seconds)
        self._smtp = smtp
        # smtplib checks the certificate against this name; its constructor would connect at once.
        smtp._host = server.host  # type: ignore[attr-defined]
        code, said = smtp.connect(server.host, server.port)
        if code != 220:
            raise answer(code, said)
        smtp.ehlo_or_helo_if_needed()
        if server.security == "starttls" or (server.security == "if_offered" and smtp.has_extn("starttls")):
            if not smtp.has_extn("starttls"):
                raise MailServerAway("The mail server offers no encryption (STARTTLS); nothing was sent.")
            smtp.starttls(context=self._tls)
            smtp.ehlo_or_helo_if_needed()
        if server.user is not None:
            sign_in(smtp, server.user, server.password or "")

    def _address(self, envelope: Envelope) -> None:
        smtp = self._smtp
        assert smtp is not None  # noqa: S101 - _connect() has made it
        options: list[str] = []
        if not (envelope.sender + envelope.recipient).isascii():
            if not smtp.has_extn("smtputf8"):
                raise MailRefused("The mail server takes no addresses with letters beyond ASCII.")
            self._is_utf8 = True
            options = ["SMTPUTF8", "BODY=8BITMIME"]
        for code, said in (smtp.mail(envelope.sender, options), smtp.rcpt(envelope.recipient)):
            if code not in {250, 251}:
                raise answer(code, said)

    def hand_over(self, message: EmailMessage) -> None:
        smtp = self._smtp
        assert smtp is not None  # noqa: S101 - agree() has made it
        raw = message.as_bytes(policy=SMTPUTF8) if self._is_utf8 else message.as_bytes()
        try:
            code, said = smtp.data(raw)
        except smtplib.SMTPDataError as error:  # said before the text: nothing was taken
            raise answer(error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException, EOFError) as error:
            raise MailUnclear from error
        if code != 250:
            raise answer(code, said)

    def hang_up(self) -> None:
        """From the loop's thread: wakes up the other one with an error."""
        sock = self._smtp.sock if self._smtp is not None else None
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(2)

    def leave(self) -> None:
        if self._smtp is None:
            return
        with suppress(OSError, smtplib.SMTPException, EOFError):
            if self._smtp.sock is not None:
                self._smtp.sock.settimeout(2)
            self._smtp.quit()
        with suppress(OSError):
            self._smtp.close()


def sign_in(smtp: smtplib.SMTP, user: str, password: str) -> None:
    """By one method: smtplib's own `login` tries them all, and a wrong password tried three times locks accounts."""
    offered = smtp.esmtp_features.get("auth", "").upper().split()
    smtp.user, smtp.password = user, password
    if "PLAIN" in offered:
        smtp.auth("PLAIN", smtp.auth_plain)
    elif "LOGIN" in offered:
        smtp.auth("LOGIN", smtp.auth_login)
    elif "CRAM-MD5" in offered:
        smtp.auth("CRAM-MD5", smtp.auth_cram_md5)
    else:
        raise MailServerAway("The mail server offers no way to sign in that we know; nothing was sent.")


def answer(code: int, said: bytes | str) -> MailRefused | MailServerAway:
    """4xx means later, 5xx means never. The words are the server's, shortened and on one line."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]
    message = f"The mail server answered {code}: {words}"
    return MailRefused(message) if 500 <= code < 600 else MailServerAway(message)
