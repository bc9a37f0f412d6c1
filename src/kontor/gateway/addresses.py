"""Addresses of providers: read once, by one parser, and cut into what a key is bound to and the rest."""

from dataclasses import dataclass
from ipaddress import ip_address

from yarl import URL

from kontor.core.errors import FieldProblem
from kontor.core.fetch import LONGEST_URL, Fetcher, is_public

HOUSE_NAMES = (".local", ".lan", ".internal", ".home.arpa", ".localhost")


@dataclass(frozen=True, slots=True)
class Address:
    """`base_url` has no slash at its end. `origin` is its scheme, host and port: where a key is sent."""

    base_url: str
    origin: str
    is_in_house: bool


def parse(text: str) -> Address:
    """As an administrator gives it: anywhere, but nothing that could be read in two ways."""
    if not 0 < len(text) <= LONGEST_URL or "\\" in text or any(not character.isprintable() for character in text):
        raise unusable("Give the address of the provider, such as https://api.example.org/v1.")
    try:
        url = URL(text.strip())
        host = url.raw_host
        port = url.port
    except (ValueError, UnicodeError) as reason:
        raise unusable("This is not an address.") from reason
    if url.scheme not in {"http", "https"} or not host or port is None:
        raise unusable("An address begins with https:// or http:// and a name.")
    if url.raw_user is not None or url.raw_password is not None or "@" in text:
        raise unusable("A key or password does not belong into the address.")
    if url.raw_query_string or url.raw_fragment:
        raise unusable("An address ends with its path, without ? and #.")
    origin = str(url.origin())
    return Address(origin + url.raw_path.rstrip("/"), origin, is_in_house(host))


def parse_public(text: str, fetcher: Fetcher) -> Address:
    """As a person gives it: public, and not readable on the way there."""
    address = parse(text)
    checked = fetcher.check(address.base_url)
    if checked.scheme != "https" and not is_opened(checked.raw_host or "", fetcher):
        raise unusable("A key is sent there, so the address must begin with https://.")
    return address


def is_opened(host: str, fetcher: Fetcher) -> bool:
    """Whether the operator has opened this private address by name of its network."""
    try:
        found = ip_address(host)
    except ValueError:
        return False
    return any(found in network for network in fetcher.rules.allowed)


def is_in_house(host: str) -> bool:
    """Whether what is sent there stays in the operator's own network, as far as the name tells."""
    try:
        return not is_public(ip_address(host))
    except ValueError:
        return "." not in host or host.endswith(HOUSE_NAMES)


def unusable(message: str) -> FieldProblem:
    return FieldProblem("base_url", message, reason="address")
