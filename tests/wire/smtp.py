"""A mail server that speaks the real protocol, and misbehaves on request."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

USER, PASSWORD = "kontor", "a password for tests only"


@dataclass
class PostOffice:
    """What arrived, and what the server is to do wrong."""

    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    greet_slowly_seconds: float = 0
    refuse_recipient: str | None = None  # an answer such as "550 No such user"
    refuse_mail: str | None = None
    hang_up_after_data: bool = False
    is_encrypted: list[bool] = field(default_factory=list)

    async def handle_EHLO(
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        if self.greet_slowly_seconds:
            await asyncio.sleep(self.greet_slowly_seconds)
        session.host_name = hostname
        return responses

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refuse_recipient:
            return self.refuse_recipient
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        if self.refuse_mail:
            return self.refuse_mail
        content = envelope.content
        assert isinstance(content, bytes)
        parsed = message_from_bytes(content, policy=default)
        assert isinstance(parsed, EmailMessage)
        self.mails.append(parsed)
        self.envelopes.append(envelope)
        transport = server.transport
        assert isinstance(transport, asyncio.Transport)
        self.is_encrypted.append(transport.get_extra_info("ssl_object") is not None)
        if self.hang_up_after_data:
            # The mail is taken, and the word that says so never arrives.
            transport.abort()
            await asyncio.sleep(0.1)
        return "250 Taken"


class Authenticator:
    def __call__(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        is_known = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=is_known, handled=is_known)


@contextmanager
def smtp_server(
    office: PostOffice, *, tls: ssl.SSLContext | None = None, implicit: bool = False, with_sign_in: bool = False
) -> Iterator[int]:
    """The port that it listens on. It runs in a thread of its own: a mail server does not share our loop either."""
    options: dict[str, Any] = {"enable_SMTPUTF8": True, "hostname": "127.0.0.1"}
    if tls is not None and not implicit:
        options.update(tls_context=tls, require_starttls=True)
    if with_sign_in:
        # The library knows only the encryption that it has begun itself.
        options.update(authenticator=Authenticator(), auth_required=not implicit, auth_require_tls=not implicit)
    loop = asyncio.new_event_loop()
    started = threading.Event()
    ports: list[int] = []

    async def serve() -> None:
        server = await loop.create_server(
            lambda: SMTP(office, loop=loop, **options), host="127.0.0.1", port=0, ssl=tls if implicit else None
        )
        ports.append(server.sockets[0].getsockname()[1])
        started.set()
        await stopping.wait()
        server.close()
        conversations = asyncio.all_tasks() - {asyncio.current_task()}
        for conversation in conversations:
            conversation.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)
        await asyncio.sleep(0.01)

    stopping = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    try:
        assert started.wait(5)
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(5)
        loop.close()
