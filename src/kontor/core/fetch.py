"""The one door for addresses that people give us.

Everything leans on one rule: what was checked is what is connected to. One parser reads the address, and its result is
what the client uses; the name is resolved once, all its addresses are checked, and the client connects to one of these.
A last check sits where the socket is made, below anything that a name, a redirect or a library could get wrong.
"""

import asyncio
import re
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Protocol

import aiohttp
import structlog
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from kontor.core.errors import Kind, KontorError
from kontor.core.settings import Settings

log = structlog.get_logger(__name__)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LONGEST_URL = 2000
MOST_ADDRESSES = 64
PIECE_BYTES = 65_536
HEADER_BYTES = 16_384
USER_AGENT = "Kontor (self-hosted; fetches on behalf of a person)"

# Written out, because the standard library's idea of "global" changes with its version and has had holes.
CLOSED_IPV4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network; 0.0.0.0 reaches the machine itself
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by carriers; some clouds keep their metadata here
        "127.0.0.0/8",  # this machine
        "169.254.0.0/16",  # link-local; cloud metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # multicast tunnels
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
# IPv6 the other way round: only global unicast is open, and within it these are closed. That leaves out ::1, ::/96,
# ::ffff:0:0/96, 64:ff9b::/96, 64:ff9b:1::/48, 100::/64, 5f00::/16, fc00::/7, fe80::/10, fec0::/10 and ff00::/8.
OPEN_IPV6 = IPv6Network("2000::/3")
CLOSED_IPV6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3ffe::/16",  # the former test network
        "3fff::/20",  # documentation
    )
)
NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
COMPATIBLE = IPv6Network("::/96")

HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?")
AUTHORITY_WITH_USER = re.compile(r"[^/?#]*//[^/?#]*@")
# What old parsers take for a number: decimal, octal or hexadecimal.
NUMBER = re.compile(r"([0-9]+|0x[0-9a-f]*)")


class FetchRefused(KontorError):
    """One wording for every refusal, so that nobody learns from it what stands in the network around us."""

    kind, code = Kind.UNPROCESSABLE, "fetch.refused"

    def __init__(self) -> None:
        super().__init__("This address cannot be fetched: it is not a public web address, or nothing answers there.")


class FetchTimedOut(KontorError):
    kind, code = Kind.UNPROCESSABLE, "fetch.timed_out"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The address took longer than {seconds:g} seconds to answer.")


class FetchTooLarge(KontorError):
    kind, code = Kind.TOO_LARGE, "fetch.too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The address sends more than {limit} bytes.", details={"limit_bytes": limit})


class FetchTooManyRedirects(KontorError):
    kind, code = Kind.UNPROCESSABLE, "fetch.too_many_redirects"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The address redirects more than {limit} times.")


class FetchUnsupportedType(KontorError):
    kind, code = Kind.UNSUPPORTED, "fetch.unsupported_type"

    def __init__(self, media_type: str) -> None:
        super().__init__(f"The address sends {media_type or 'something without a type'}, which is not taken here.")


class FetchBadAnswer(KontorError):
    kind, code = Kind.UNPROCESSABLE, "fetch.bad_answer"

    def __init__(self, reason: str, *, status: int | None = None) -> None:
        super().__init__(f"The address {reason}.", details={} if status is None else {"status": status})
        self.status = status


def carried(address: Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses that an IPv6 address delivers to: mapped, compatible, NAT64, 6to4 and Teredo forms."""
    if isinstance(address, IPv4Address):
        return ()
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    if address in COMPATIBLE or any(address in network for network in NAT64):
        return (IPv4Address(int(address) & 0xFFFF_FFFF),)
    return ()


@dataclass(frozen=True, slots=True)
class AddressRules:
    """Which addresses may be connected to. `allowed` and `denied` are the operator's exceptions to the list above."""

    allowed: tuple[Network, ...] = ()
    denied: tuple[Network, ...] = ()

    def permit(self, address: Address) -> bool:
        if isinstance(address, IPv6Address):
            if address.scope_id is not None:
                return False
            if address.ipv4_mapped is not None:
                return self.permit(address.ipv4_mapped)
            # Also where the operator allowed the wrapping, say NAT64: what is inside must be open itself.
            if not all(self.permit(inner) for inner in carried(address)):
                return False
        if any(address in network for network in self.denied):
            return False
        return any(address in network for network in self.allowed) or is_public(address)

    def permit_text(self, text: str) -> bool:
        try:
            return self.permit(ip_address(text))
        except ValueError:
            return False


def is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in CLOSED_IPV4)
    return address in OPEN_IPV6 and not any(address in network for network in CLOSED_IPV6)


def parse_networks(text: str) -> tuple[Network, ...]:
    return tuple(ip_network(part) for part in re.split(r"[\s,]+", text) if part)


def parse_ports(text: str) -> frozenset[int]:
    ports = frozenset(int(part) for part in re.split(r"[\s,]+", text) if part)
    if not all(0 < port < 65_536 for port in ports):
        raise ValueError("KONTOR_FETCH_PORTS: a port is a number from 1 to 65535")
    return ports


def read_url(text: str, *, rules: AddressRules, ports: frozenset[int]) -> URL:
    """The address as the client will use it, or a refusal. Nothing reads the text a second time."""
    if not 0 < len(text) <= LONGEST_URL or "\\" in text or any(is_unprintable(character) for character in text):
        raise FetchRefused
    try:
        url = URL(text)
        host, port = url.raw_host, url.port
    except (ValueError, UnicodeError) as reason:
        raise FetchRefused from reason
    if url.scheme not in {"http", "https"} or not host or port not in ports:
        raise FetchRefused
    # Also an empty user or password: the "@" alone is there to mislead a reader.
    if url.raw_user is not None or url.raw_password is not None or AUTHORITY_WITH_USER.match(text):
        raise FetchRefused
    if not is_plain_host(host, rules):
        raise FetchRefused
    url = url.with_fragment(None)
    if len(str(url)) > LONGEST_URL * 3:
        raise FetchRefused
    return url


def is_unprintable(character: str) -> bool:
    return character.isspace() or not character.isprintable()


def is_plain_host(host: str, rules: AddressRules) -> bool:
    try:
        return rules.permit(ip_address(host))
    except ValueError:
        pass
    # Whatever ends in a number is an address in some old spelling (127.1, 0x7f.1, 2130706433), never a name.
    last = host.rstrip(".").rpartition(".")[2]
    return len(host) <= 254 and HOST_NAME.fullmatch(host) is not None and NUMBER.fullmatch(last) is None


class Resolver(Protocol):
    """Names to addresses: the system's way, or a table in tests."""

    async def addresses(self, host: str) -> Sequence[str]: ...


class SystemResolver:
    """Asks the operating system, in threads of its own: slow name servers do not hold up anything else."""

    def __init__(self, *, threads: int = 8) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="fetch-names")

    async def addresses(self, host: str) -> Sequence[str]:
        found = await asyncio.get_running_loop().run_in_executor(self._threads, look_up, host)
        return list(dict.fromkeys(found))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def look_up(host: str) -> list[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


class GuardedResolver(AbstractResolver):
    """Resolves once and hands the client only what it has checked; one closed address closes the whole name."""

    def __init__(self, resolver: Resolver, rules: AddressRules, *, seconds: float) -> None:
        self._resolver = resolver
        self._rules = rules
        self._seconds = seconds

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        try:
            async with asyncio.timeout(self._seconds):
                found = await self._resolver.addresses(host)
        except (OSError, UnicodeError, TimeoutError) as reason:
            log.info("fetch.refused", reason="name not resolved")
            raise FetchRefused from reason
        if not 0 < len(found) <= MOST_ADDRESSES or not all(map(self._rules.permit_text, found)):
            log.info("fetch.refused", reason="name leads to a closed address")
            raise FetchRefused
        return [result_of(host, port, ip_address(text)) for text in found]

    async def close(self) -> None:
        return None


def result_of(host: str, port: int, address: Address) -> ResolveResult:
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=str(address), port=port, family=family, proto=0, flags=numeric)


def guarded_connector(
    rules: AddressRules,
    resolver: Resolver,
    *,
    resolve_seconds: float = 4,
    limit: int = 64,
    limit_per_host: int = 8,
    ssl_context: ssl.SSLContext | None = None,
) -> aiohttp.TCPConnector:
    """For any client that talks to addresses which people gave us, such as a model server of their own."""

    def checked_socket(info: tuple[int, int, int, str, tuple[Any, ...]]) -> socket.socket:
        family, kind, protocol, _, target = info
        # A scoped link-local address carries its scope as a fourth part; closed either way.
        if not rules.permit_text(str(target[0])):
            log.warning("fetch.refused", reason="closed address at the socket")
            raise FetchRefused
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    return aiohttp.TCPConnector(
        resolver=GuardedResolver(resolver, rules, seconds=resolve_seconds),
        use_dns_cache=False,
        # Every fetch makes its own connection: nothing is reused that was checked for somebody else.
        force_close=True,
        limit=limit,
        limit_per_host=limit_per_host,
        socket_factory=checked_socket,
        ssl=True if ssl_context is None else ssl_context,
    )


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much one fetch may take. `media_types` of None takes any."""

    max_bytes: int = 10 * 1024 * 1024
    total_seconds: float = 30
    max_redirects: int = 3
    media_types: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer whose head has arrived. The body comes in pieces, decompressed, within the bounds."""

    url: str
    status: int
    media_type: str
    charset: str | None
    headers: Mapping[str, str]
    _response: aiohttp.ClientResponse = field(repr=False)
    _bounds: Bounds = field(repr=False)
    _deadline: float = field(repr=False)

    async def pieces(self) -> AsyncIterator[bytes]:
        decoder = Decoder(self._response.headers.get("Content-Encoding", ""))
        arrived = taken = 0
        try:
            while True:
                async with asyncio.timeout_at(self._deadline):
                    chunk = await self._response.content.readany()
                if not chunk:
                    break
                arrived += len(chunk)
                if arrived > self._bounds.max_bytes:
                    raise FetchTooLarge(self._bounds.max_bytes)
                for piece in decoder.decode(chunk):
                    taken += len(piece)
                    if taken > self._bounds.max_bytes:
                        raise FetchTooLarge(self._bounds.max_bytes)
                    yield piece
                    # A bomb inflates without waiting for the network: let others run, and look at the clock.
                    await asyncio.sleep(0)
                    if asyncio.get_running_loop().time() > self._deadline:
                        raise FetchTimedOut(self._bounds.total_seconds)
            decoder.finish()
        except TimeoutError as reason:
            raise FetchTimedOut(self._bounds.total_seconds) from reason
        except (aiohttp.ClientError, OSError) as reason:
            raise FetchBadAnswer("broke off its answer") from reason


@dataclass(frozen=True, slots=True)
class Page:
    """A whole answer, for what is known to be small."""

    url: str
    media_type: str
    charset: str | None
    body: bytes


class Fetcher:
    """Made once at start, closed at the end."""

    def __init__(
        self,
        *,
        rules: AddressRules | None = None,
        ports: frozenset[int] = frozenset({80, 443}),
        resolver: Resolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
        connect_seconds: float = 4,
    ) -> None:
        self.rules = rules or AddressRules()
        self.ports = ports
        self._resolver = resolver or SystemResolver()
        self._ssl_context = ssl_context
        self._connect_seconds = connect_seconds
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Fetcher":
        rules = AddressRules(parse_networks(settings.kontor_fetch_allow), parse_networks(settings.kontor_fetch_deny))
        return cls(rules=rules, ports=parse_ports(settings.kontor_fetch_ports))

    def check(self, url: str) -> URL:
        """Refuse at once what will never be fetched, say when somebody saves an address."""
        return read_url(url, rules=self.rules, ports=self.ports)

    def connector(self, *, limit: int = 64, limit_per_host: int = 8) -> aiohttp.TCPConnector:
        """The guarded connection alone. Its user checks the address first and follows no redirects."""
        return guarded_connector(
            self.rules,
            self._resolver,
            resolve_seconds=self._connect_seconds,
            limit=limit,
            limit_per_host=limit_per_host,
            ssl_context=self._ssl_context,
        )

    @asynccontextmanager
    async def open(self, url: str, bounds: Bounds = Bounds()) -> AsyncIterator[Fetched]:
        """GET an address, by at most `max_redirects` redirects, each checked like the first."""
        deadline = asyncio.get_running_loop().time() + bounds.total_seconds
        response = await self._follow(url, bounds, deadline)
        try:
            yield judge(response, bounds, deadline)
        finally:
            # Not released but closed: whatever the other side still wants to send, nobody reads.
            response.close()

    async def read(self, url: str, bounds: Bounds = Bounds()) -> Page:
        body = bytearray()
        async with self.open(url, bounds) as fetched:
            async for piece in fetched.pieces():
                body += piece
            return Page(fetched.url, fetched.media_type, fetched.charset, bytes(body))

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        if isinstance(self._resolver, SystemResolver):
            self._resolver.close()

    async def _follow(self, text: str, bounds: Bounds, deadline: float) -> aiohttp.ClientResponse:
        url = self.check(text)
        for _ in range(bounds.max_redirects + 1):
            response = await self._get(url, bounds, deadline)
            if response.status not in {301, 302, 303, 307, 308}:
                return response
            location = response.headers.get("Location")
            response.close()
            url = self._next(url, location)
        raise FetchTooManyRedirects(bounds.max_redirects)

    def _next(self, url: URL, location: str | None) -> URL:
        if not location:
            raise FetchBadAnswer("redirects to nowhere")
        if len(location) > LONGEST_URL or "\\" in location or any(map(is_unprintable, location)):
            raise FetchRefused
        try:
            target = url.join(URL(location))
        except (ValueError, UnicodeError) as reason:
            raise FetchRefused from reason
        return self.check(str(target))

    async def _get(self, url: URL, bounds: Bounds, deadline: float) -> aiohttp.ClientResponse:
        try:
            async with asyncio.timeout_at(deadline):
                return await self._client().get(url, allow_redirects=False)
        except FetchRefused:
            raise
        except (aiohttp.ClientConnectionError, aiohttp.InvalidURL) as reason:
            if isinstance(reason, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError) and not isinstance(
                reason, aiohttp.ClientConnectorError
            ):
                raise FetchBadAnswer("broke off its answer") from reason
            # Not connected, no valid certificate, or too slow to connect: the same words as for a closed address.
            log.info("fetch.refused", reason=type(reason).__name__)
            raise FetchRefused from reason
        except TimeoutError as reason:
            raise FetchTimedOut(bounds.total_seconds) from reason
        except (aiohttp.ClientError, ValueError, OSError) as reason:
            raise FetchBadAnswer("does not speak HTTP as it should") from reason

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=self.connector(),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "gzip, deflate"},
                # Whole-fetch time is kept by a deadline across redirects; this one is for connecting alone.
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_seconds),
                # We inflate ourselves, in small pieces, with an eye on the sum.
                auto_decompress=False,
                trust_env=False,
                max_line_size=HEADER_BYTES,
                max_field_size=HEADER_BYTES,
                read_bufsize=PIECE_BYTES,
            )
        return self._session


def judge(response: aiohttp.ClientResponse, bounds: Bounds, deadline: float) -> Fetched:
    """Everything that the head of an answer can be refused for."""
    if not 200 <= response.status < 300:
        raise FetchBadAnswer(f"answered with status {response.status}", status=response.status)
    media_type, _, _ = response.headers.get("Content-Type", "").partition(";")
    media_type = media_type.strip().lower()
    if bounds.media_types is not None and media_type not in bounds.media_types:
        raise FetchUnsupportedType(media_type if re.fullmatch(r"[\w.+-]{1,60}/[\w.+-]{1,60}", media_type) else "")
    if (response.content_length or 0) > bounds.max_bytes:
        raise FetchTooLarge(bounds.max_bytes)
    return Fetched(
        url=str(response.url),
        status=response.status,
        media_type=media_type,
        charset=response.charset,
        headers={name.lower(): value for name, value in response.headers.items()},
        _response=response,
        _bounds=bounds,
        _deadline=deadline,
    )


class Decoder:
    """Content-Encoding undone in pieces of bounded size, however much they inflate."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding.strip().lower().removeprefix("x-")
        if self._encoding not in {"", "identity", "gzip", "deflate"}:
            raise FetchBadAnswer("compresses its answer in a way that it was not asked for")
        self._inflate = None if self._encoding in {"", "identity"} else self._new(b"")
        self._started = False

    def _new(self, head: bytes) -> "zlib._Decompress":
        if self._encoding == "gzip":
            return zlib.decompressobj(16 + zlib.MAX_WBITS)
        # Some servers send deflate without its two-byte frame.
        framed = not head or (head[0] & 0x0F == 8 and head[0] >> 4 <= 7)
        return zlib.decompressobj(zlib.MAX_WBITS if framed else -zlib.MAX_WBITS)

    def decode(self, data: bytes) -> Iterator[bytes]:
        if self._inflate is None:
            yield data
            return
        if not self._started:
            self._started = True
            self._inflate = self._new(data)
        try:
            full = False
            # A full piece may leave more inside the decompressor, even when all input is eaten.
            while data or full:
                piece = self._inflate.decompress(data, PIECE_BYTES)
                full = len(piece) == PIECE_BYTES
                if piece:
                    yield piece
                data = self._inflate.unconsumed_tail
                if self._inflate.eof:
                    full, data = False, self._inflate.unused_data
                    # gzip may consist of several members; zeros after the last one are padding.
                    if self._encoding != "gzip" or not data.strip(b"\0"):
                        return
                    self._inflate = self._new(b"")
        except zlib.error as reason:
            raise FetchBadAnswer("sends damaged compressed data") from reason

    def finish(self) -> None:
        if self._inflate is not None and self._started and not self._inflate.eof:
            raise FetchBadAnswer("broke off its answer")
