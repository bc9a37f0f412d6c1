"""From where somebody calls: kept with the session and the record, so that people recognise their own devices."""

from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address

MOST_CLIENT_CHARACTERS = 300

# For the record as the core writes it, which is told who did something and not from where.
came_from: ContextVar[str | None] = ContextVar("came_from", default=None)


@dataclass(frozen=True, slots=True)
class Caller:
    address: str | None = None
    client: str = ""


@lru_cache(maxsize=4096)
def plain_address(host: str | None) -> str | None:
    """Only what is an address: behind a Unix socket or a test there may be other words."""
    try:
        found = ip_address((host or "").split("%", 1)[0])
    except ValueError:
        return None
    return str(getattr(found, "ipv4_mapped", None) or found)


def plain_client(user_agent: str) -> str:
    return "".join(character for character in user_agent if character.isprintable())[:MOST_CLIENT_CHARACTERS]
