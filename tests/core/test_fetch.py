"""What people name as an address never leads into the network around us, and never takes more than its bounds."""

import asyncio
import gzip
import socket
import ssl
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from kontor.core.fetch import (
    CLOSED_IPV4,
    CLOSED_IPV6,
    AddressRules,
    Bounds,
    Decoder,
    FetchBadAnswer,
    Fetcher,
    FetchRefused,
    FetchTimedOut,
    FetchTooLarge,
    FetchTooManyRedirects,
    FetchUnsupportedType,
    SystemResolver,
    parse_networks,
    parse_ports,
    read_url,
)
from kontor.core.settings import Settings


def can_listen(host: str) -> bool:
    try:
        socket.create_server((host, 0)).close()
    except OSError:
        return False
    return True


# Both are here; only the first is let through, in the tests that need it. (macOS has no 127.0.0.2 until told to.)
PUBLIC, PRIVATE = "127.0.0.2" if can_listen("127.0.0.2") else "::1", "127.0.0.1"
ONLY_PUBLIC = AddressRules(allowed=(ip_network(PUBLIC),))
WEB = frozenset({80, 443})


class Table:
    """Names as a test wants them; each look-up takes the next answer, the last one stays."""

    def __init__(self, names: Mapping[str, Sequence[Sequence[str]]]) -> None:
        self._names = {name: list(answers) for name, answers in names.items()}
        self.asked: list[str] = []

    async def addresses(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        answers = self._names.get(host)
        if answers is None:
            # The system's reading of numbers and of localhost, without asking any name server.
            if host.rstrip(".") == "localhost" or host.endswith(".localhost"):
                return ["127.0.0.1", "::1"]
            found = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
            return [str(entry[4][0]) for entry in found]
        return answers.pop(0) if len(answers) > 1 else answers[0]


def names(**found: str) -> Table:
    return Table({f"{name}.test": [[address]] for name, address in found.items()})


Answer = Callable[[str, asyncio.StreamWriter], Awaitable[None]]


class Site:
    """A server on a real socket that counts who came and what they asked for."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.connections = 0
        self.requests: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            request = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(request)
            await self.answer(request.split(" ")[1], writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(answer: Answer, *, host: str = PUBLIC, tls: ssl.SSLContext | None = None) -> AsyncIterator[Site]:
    site = Site(answer)
    server = await asyncio.start_server(site.serve, host, 0, ssl=tls)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def fetching(
    site: Site, resolver: Table, *, rules: AddressRules = ONLY_PUBLIC, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Fetcher]:
    fetcher = Fetcher(rules=rules, ports=frozenset({site.port}), resolver=resolver, ssl_context=tls, connect_seconds=2)
    try:
        yield fetcher
    finally:
        await fetcher.close()


def head(status: str = "200 OK", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return ("\r\n".join([*lines, "Connection: close"]) + "\r\n\r\n").encode()


async def hello(_path: str, writer: asyncio.StreamWriter) -> None:
    writer.write(head(Content_Type="text/plain; charset=utf-8", Content_Length="5") + b"hello")


SPELLINGS = [
    "http://127.0.0.1:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST:{port}/",
    "http://localhost.:{port}/",
    "http://a.localhost:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://127.000.000.001:{port}/",
    "http://2130706433:{port}/",
    "http://2130706433.:{port}/",
    "http://0x7f000001:{port}/",
    "http://0X7F000001:{port}/",
    "http://017700000001:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://0177.0.0.01:{port}/",
    "http://0x7f.0.0.1:{port}/",
    "http://0x7f.1:{port}/",
    "http://127.0.0x1:{port}/",
    "http://127.0x00.0.1:{port}/",
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
    "http://00000000:{port}/",
    "http://0x0:{port}/",
    "http://127.127.127.127:{port}/",
    "http://4294967297:{port}/",
    "http://[::1]:{port}/",
    "http://[::]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[0000:0000:0000:0000:0000:0000:0000:0001]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[::7f00:1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::FFFF:7F00:1]:{port}/",
    "http://[0:0:0:0:0:ffff:7f00:1]:{port}/",
    "http://[::ffff:0:127.0.0.1]:{port}/",
    "http://[64:ff9b::127.0.0.1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[64:ff9b:1::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[2001:0:7f00:1::]:{port}/",
    "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]:{port}/",
    "http://[fe80::1]:{port}/",
    "http://[fe80::1%25lo]:{port}/",
    "http://[::1%25lo]:{port}/",
    "http://[::1%lo]:{port}/",
    "http://[fec0::1]:{port}/",
    "http://[fc00::1]:{port}/",
    "http://[fd00:ec2::254]:{port}/",
    "http://[ff02::1]:{port}/",
    "http://[100::1]:{port}/",
    "http://[127.0.0.1]:{port}/",
    "http://１２７.０.０.１:{port}/",
    "http://①②⑦.⓪.⓪.①:{port}/",
    "http://127。0。0。1:{port}/",
    "http://127．0．0．1:{port}/",
    "http://127｡0｡0｡1:{port}/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{port}/",
    "http://loc\u00adalhost:{port}/",
    "http://localhost\u200b:{port}/",
    "http://%31%32%37.0.0.1:{port}/",
    "http://127%2e0%2e0%2e1:{port}/",
    "http://%6c%6f%63%61%6c%68%6f%73%74:{port}/",
    "http://user@127.0.0.1:{port}/",
    "http://user:password@127.0.0.1:{port}/",
    "http://public.test@127.0.0.1:{port}/",
    "http://public.test:80@127.0.0.1:{port}/",
    "http://@127.0.0.1:{port}/",
    "http://:@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}@public.test/",
    "http://public.test\\@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@public.test/",
    "http://public.test#@127.0.0.1:{port}/",
    "http://public.test?@127.0.0.1:{port}/",
    "http:\\\\127.0.0.1:{port}/",
    "http:/127.0.0.1:{port}/",
    "http:127.0.0.1:{port}/",
    "http:///127.0.0.1:{port}/",
    "http:////127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "127.0.0.1:{port}/",
    " http://127.0.0.1:{port}/",
    "http://127.0.0.1 :{port}/",
    "http://127.0.0.1\t:{port}/",
    "ht\ntp://127.0.0.1:{port}/",
    "http://127.0.0.1:{port}/\r\nX-Injected: 1",
    "http://127.0.0.1\0.public.test:{port}/",
    "http://private.test:{port}/",
    "http://PRIVATE.test:{port}/",
    "http://private.test.:{port}/",
    "http://both.test:{port}/",
    "http://mapped.test:{port}/",
    "http://nat64.test:{port}/",
    "http://scoped.test:{port}/",
    "http://metadata.test:{port}/",
    "http://nothing.test:{port}/",
    "http://garbage.test:{port}/",
    "https://127.0.0.1:{port}/",
    "ftp://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_GET",
    "unix:///run/x",
    "data:text/plain,x",
    "javascript:1",
    "ws://127.0.0.1:{port}/",
    "http://127.0.0.1:{port}0000/",
    "http://127.0.0.1:-{port}/",
    "http://127.0.0.1:0{port}x/",
    "http://public.test:22/",
    "http://public.test:0/",
    "http://",
    "http://:{port}/",
    "http://.:{port}/",
    "http://..:{port}/",
    "http://-:{port}/",
    "http://x" + "a" * 2000 + ".test:{port}/",
    "",
]

HOSTILE_NAMES: dict[str, list[list[str]]] = {
    "private.test": [["127.0.0.1"]],
    "PRIVATE.test": [["127.0.0.1"]],
    "private.test.": [["127.0.0.1"]],
    "both.test": [["93.184.216.34", "127.0.0.1"]],
    "mapped.test": [["::ffff:127.0.0.1"]],
    "nat64.test": [["64:ff9b::7f00:1"]],
    "scoped.test": [["fe80::1%lo"]],
    "metadata.test": [["169.254.169.254"]],
    "nothing.test": [[]],
    "garbage.test": [["not an address"]],
}


async def test_no_spelling_of_a_private_address_is_connected_to() -> None:
    assert len(SPELLINGS) > 60
    async with (
        serving(hello, host=PRIVATE) as victim,
        fetching(victim, Table(HOSTILE_NAMES), rules=AddressRules()) as fetcher,
    ):
        words = set()
        for spelling in SPELLINGS:
            began = time.monotonic()
            with pytest.raises(FetchRefused) as refusal:
                await fetcher.read(spelling.format(port=victim.port))
            words.add((refusal.value.message, refusal.value.code, str(dict(refusal.value.details))))
            assert time.monotonic() - began < 10, spelling
        assert victim.connections == 0
        assert len(words) == 1

        # The listener would have noticed.
        _, writer = await asyncio.open_connection(PRIVATE, victim.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.close()
        assert victim.connections == 1


async def test_an_address_that_does_not_answer_reads_like_a_private_one() -> None:
    with socket.socket() as unused:
        unused.bind((PUBLIC, 0))
        site = Site(hello)
        site.port = unused.getsockname()[1]
        async with fetching(site, names(public=PUBLIC, private=PRIVATE)) as fetcher:
            messages = set()
            for name in ("public.test", "private.test", "absent.test"):
                with pytest.raises(FetchRefused) as refusal:
                    await fetcher.read(f"http://{name}:{site.port}/")
                messages.add(refusal.value.message)
            assert len(messages) == 1


async def test_a_name_that_changes_its_address_after_the_check_is_not_asked_again() -> None:
    """Rebinding: the first answer is public, every later one private. There is no later one."""
    table = Table({"rebind.test": [[PUBLIC], [PRIVATE]]})
    async with serving(hello) as site, fetching(site, table) as fetcher:
        page = await fetcher.read(f"http://rebind.test:{site.port}/")
        assert page.body == b"hello"
        assert table.asked == ["rebind.test"]
        # The next fetch asks anew, sees the private address, and connects to nothing.
        with pytest.raises(FetchRefused):
            await fetcher.read(f"http://rebind.test:{site.port}/")
        assert site.connections == 1


async def test_the_last_check_is_at_the_socket() -> None:
    """Even when every check above is stepped around, the connection itself is refused."""
    async with serving(hello, host=PRIVATE) as victim, fetching(victim, names()) as fetcher:
        async with asyncio.timeout(5):
            with pytest.raises(FetchRefused):
                await fetcher._client().get(f"http://{PRIVATE}:{victim.port}/")
        assert victim.connections == 0


async def test_the_server_sees_the_name_and_no_credentials_or_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(hello, host=PRIVATE) as proxy, serving(hello) as site:
        for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(variable, f"http://{PRIVATE}:{proxy.port}")
        async with fetching(site, names(public=PUBLIC)) as fetcher:
            page = await fetcher.read(f"http://public.test:{site.port}/a%20b?c=ü#d")
        assert (page.media_type, page.charset, page.body) == ("text/plain", "utf-8", b"hello")
        assert page.url == f"http://public.test:{site.port}/a%20b?c=%C3%BC"
        assert proxy.connections == 0
        request = site.requests[0].lower()
        assert request.startswith("get /a%20b?c=%c3%bc http/1.1\r\n")
        assert f"host: public.test:{site.port}\r\n" in request
        assert "cookie" not in request
        assert "authorization" not in request


ADDRESS = st.one_of(
    *(
        st.integers(int(network.network_address), int(network.broadcast_address)).map(IPv4Address)
        for network in CLOSED_IPV4
    ),
    *(
        st.integers(int(network.network_address), int(network.broadcast_address)).map(IPv6Address)
        for network in CLOSED_IPV6
    ),
    st.integers(0, (1 << 125) - 1).map(IPv6Address),
    st.integers(1 << 126, (1 << 128) - 1).map(IPv6Address),
)


def spellings(address: IPv4Address | IPv6Address) -> Iterator[str]:
    number = int(address)
    if isinstance(address, IPv6Address):
        yield from (f"[{address.compressed}]", f"[{address.exploded}]", f"[{address.exploded.upper()}]")
        return
    a, b, c, d = address.packed
    yield from (f"{a}.{b}.{c}.{d}", f"{a}.{b}.{c}.{d}.", f"{a}.{b}.{c * 256 + d}", f"{a}.{(b << 16) + (c << 8) + d}")
    yield from (f"{number}", f"0x{number:x}", f"0x{number:08X}", f"0{number:o}")
    yield from (f"0{a:o}.0{b:o}.0{c:o}.0{d:o}", f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}", f"{a:03}.{b:03}.{c:03}.{d:03}")
    yield "".join(chr(ord("０") + int(digit)) if digit.isdigit() else "。" for digit in str(address))
    yield from (f"[::ffff:{address}]", f"[::{address}]", f"[::ffff:0:{address}]", f"[64:ff9b::{address}]")
    yield from (f"[2002:{a:02x}{b:02x}:{c:02x}{d:02x}::1]", f"[64:ff9b:1::{address}]", f"[2001:0:{address}::]")


def is_literal(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


@given(ADDRESS)
def test_every_spelling_of_every_closed_address_is_refused(address: IPv4Address | IPv6Address) -> None:
    assert not AddressRules().permit(address)
    for host in spellings(address):
        if "::]" in host and not is_literal(host):
            continue  # `2001:0:1.2.3.4::` is no address for anybody
        with pytest.raises(FetchRefused):
            read_url(f"http://{host}/", rules=AddressRules(), ports=WEB)


@given(st.text(max_size=60))
def test_no_text_does_anything_but_pass_or_be_refused(text: str) -> None:
    for candidate in (text, f"http://{text}", f"http://{text}/", f"https://a.test/{text}", f"http://a.test:{text}/"):
        try:
            url = read_url(candidate, rules=AddressRules(), ports=WEB)
        except FetchRefused:
            continue
        assert url.scheme in {"http", "https"}
        assert url.port in WEB
        assert url.user is None
        assert url.raw_host
        assert not is_literal(url.raw_host) or AddressRules().permit(ip_address(url.raw_host))
        # Reading our own spelling again changes nothing: there is one parser and it agrees with itself.
        assert read_url(str(url), rules=AddressRules(), ports=WEB) == url


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "1.1.1.1", "192.0.1.1", "100.63.0.1", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1"],
)
def test_public_addresses_are_open(address: str) -> None:
    assert AddressRules().permit(ip_address(address))


def test_the_operators_exceptions_never_open_what_is_wrapped() -> None:
    rules = AddressRules(
        allowed=parse_networks("10.1.0.0/16, 64:ff9b::/96"), denied=parse_networks("10.1.2.0/24 8.8.8.8")
    )
    opened = ["10.1.1.1", "::ffff:10.1.1.1", "64:ff9b::1.1.1.1", "64:ff9b::10.1.1.1"]
    closed = ["10.2.0.1", "10.1.2.3", "::ffff:10.1.2.3", "8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::127.0.0.1"]
    assert [rules.permit_text(text) for text in opened] == [True] * len(opened)
    assert [rules.permit_text(text) for text in closed] == [False] * len(closed)


def test_settings_become_rules(settings: Settings) -> None:
    fetcher = Fetcher.of(
        settings.model_copy(update={"kontor_fetch_ports": "80, 8443", "kontor_fetch_allow": "10.1.0.0/16"})
    )
    assert fetcher.check("http://10.1.2.3:8443/").port == 8443
    with pytest.raises(FetchRefused):
        fetcher.check("https://10.1.2.3/")
    for wrong in ("0", "70000"):
        with pytest.raises(ValueError, match="KONTOR_FETCH_PORTS"):
            parse_ports(wrong)


async def test_the_systems_resolver_answers_in_threads_of_its_own() -> None:
    resolver = SystemResolver()
    try:
        assert set(await resolver.addresses("localhost")) & {"127.0.0.1", "::1"}
    finally:
        resolver.close()


def redirect(location: str, status: str = "302 Found") -> bytes:
    return head(status, Location=location, Content_Length="0")


async def test_redirects_are_followed_three_times_and_no_further() -> None:
    async def answer(path: str, writer: asyncio.StreamWriter) -> None:
        left = int(path.rsplit("/", 1)[1])
        if left:
            writer.write(redirect(f"../to/{left - 1}", "301 Moved Permanently"))
        else:
            await hello(path, writer)

    async with serving(answer) as site, fetching(site, names(public=PUBLIC)) as fetcher:
        page = await fetcher.read(f"http://public.test:{site.port}/to/3")
        assert page.url.endswith("/to/0")
        assert site.connections == 4
        with pytest.raises(FetchTooManyRedirects):
            await fetcher.read(f"http://public.test:{site.port}/to/4")
        assert site.connections == 8


async def test_no_redirect_leads_to_a_private_address() -> None:
    targets: list[str] = []

    async def answer(path: str, writer: asyncio.StreamWriter) -> None:
        step = int(path.rsplit("/", 1)[1])
        # Two harmless redirects first, then the bad one.
        writer.write(redirect(f"/{step}/{step - 1}") if step else redirect(targets[-1]))

    table = Table({**HOSTILE_NAMES, "public.test": [[PUBLIC]]})
    async with serving(hello, host=PRIVATE) as victim, serving(answer) as site:
        fetcher = Fetcher(rules=ONLY_PUBLIC, ports=frozenset({site.port, victim.port}), resolver=table)
        for spelling in SPELLINGS:
            target = spelling.format(port=victim.port)
            # What has no scheme is a path on the same site, and a line break cannot stand in a header.
            if not target.startswith(("http:", "https:", "//")) or any(ord(sign) < 32 for sign in target):
                continue
            if not target.isascii() or "public.test" in target:
                continue
            targets.append(target)
            with pytest.raises((FetchRefused, FetchTooManyRedirects, FetchBadAnswer)):
                await fetcher.read(f"http://public.test:{site.port}/2")
        await fetcher.close()
        assert len(targets) > 50
        assert victim.connections == 0


@pytest.mark.parametrize(
    "location", ["http://u:p@public.test/", "/\\evil", "file:///etc/passwd", "//[::1", "http://" + "a" * 3000, "\x7f"]
)
async def test_a_bent_redirect_is_refused(location: str) -> None:
    async def answer(_path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(redirect(location))

    async with serving(answer) as site, fetching(site, names(public=PUBLIC)) as fetcher:
        with pytest.raises((FetchRefused, FetchBadAnswer)):
            await fetcher.read(f"http://public.test:{site.port}/")
        assert site.connections == 1


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    made = ssl.create_default_context()
    authority.configure_trust(made)
    return made


def presenting(authority: trustme.CA, name: str) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(made)
    return made


async def test_the_certificate_must_be_for_the_name_that_was_asked_for(authority: trustme.CA) -> None:
    asked: list[str | None] = []

    def remember(_socket: object, name: str | None, _context: object) -> None:
        asked.append(name)

    server_side = presenting(authority, "public.test")
    server_side.sni_callback = remember
    table = names(public=PUBLIC, other=PUBLIC)
    async with (
        serving(hello, tls=server_side) as site,
        fetching(site, table, tls=trusting(authority)) as fetcher,
    ):
        page = await fetcher.read(f"https://public.test:{site.port}/")
        assert page.body == b"hello"
        with pytest.raises(FetchRefused):
            await fetcher.read(f"https://other.test:{site.port}/")
        with pytest.raises(FetchRefused):
            await fetcher.read(f"https://[::ffff:{PUBLIC}]:{site.port}/")
    assert asked[:2] == ["public.test", "other.test"]


async def test_an_unknown_authority_is_refused(authority: trustme.CA) -> None:
    async with (
        serving(hello, tls=presenting(authority, "public.test")) as site,
        fetching(site, names(public=PUBLIC)) as fetcher,
    ):
        with pytest.raises(FetchRefused):
            await fetcher.read(f"https://public.test:{site.port}/")
        assert site.requests == []


async def fetch(answer: Answer, bounds: Bounds) -> bytes:
    async with serving(answer) as site, fetching(site, names(public=PUBLIC)) as fetcher:
        return (await fetcher.read(f"http://public.test:{site.port}/", bounds)).body


async def test_a_body_that_is_announced_too_large_is_not_read() -> None:
    async def answer(_path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(head(Content_Type="text/html", Content_Length="1000001"))

    with pytest.raises(FetchTooLarge):
        await fetch(answer, Bounds(max_bytes=1_000_000))


async def test_an_endless_body_ends_at_its_limit() -> None:
    async def answer(_path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(head(Content_Type="text/html"))
        while True:
            writer.write(bytes(65_536))
            await writer.drain()

    with pytest.raises(FetchTooLarge):
        await fetch(answer, Bounds(max_bytes=1_000_000))


async def test_a_slow_body_ends_in_time() -> None:
    async def answer(_path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(head(Content_Type="text/html"))
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    began = time.monotonic()
    with pytest.raises(FetchTimedOut):
        await fetch(answer, Bounds(total_seconds=0.5))
    assert time.monotonic() - began < 3


async def test_slow_headers_and_slow_redirects_share_one_clock() -> None:
    async def crawl(_path: str, writer: asyncio.StreamWriter) -> None:
        for byte in head(Content_Type="text/html"):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.1)

    async def linger(_path: str, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.25)
        writer.write(redirect("/again"))

    for answer in (crawl, linger):
        began = time.monotonic()
        with pytest.raises(FetchTimedOut):
            await fetch(answer, Bounds(total_seconds=0.6))
        assert time.monotonic() - began < 3


async def test_endless_headers_end() -> None:
    async def one_line(_path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    async def many_lines(_path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X: y\r\n" * 10_000)
            await writer.drain()

    for answer in (one_line, many_lines):
        with pytest.raises(FetchBadAnswer):
            await fetch(answer, Bounds(total_seconds=10))


def bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    zeros = bytes(1024 * 1024)
    return b"".join([packer.compress(zeros) for _ in range(megabytes)]) + packer.flush()


async def test_a_gzip_bomb_stops_at_the_limit_and_memory_stays_flat() -> None:
    packed = bomb(256)
    assert len(packed) < 300_000

    async def answer(_path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(head(Content_Type="text/html", Content_Encoding="gzip", Content_Length=str(len(packed))) + packed)

    async with serving(answer) as site, fetching(site, names(public=PUBLIC)) as fetcher:
        tracemalloc.start()
        try:
            taken = 0
            with pytest.raises(FetchTooLarge):
                async with fetcher.open(f"http://public.test:{site.port}/", Bounds(max_bytes=5_000_000)) as fetched:
                    async for piece in fetched.pieces():
                        taken += len(piece)
            assert 4_500_000 < taken <= 5_000_000
            assert tracemalloc.get_traced_memory()[1] < 4_000_000
        finally:
            tracemalloc.stop()


async def test_a_bomb_with_room_and_no_time_ends_in_time() -> None:
    packed = bomb(400)

    async def answer(_path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(head(Content_Type="text/html", Content_Encoding="gzip", Content_Length=str(len(packed))) + packed)

    async with serving(answer) as site, fetching(site, names(public=PUBLIC)) as fetcher:
        with pytest.raises(FetchTimedOut):
            bounds = Bounds(max_bytes=1 << 40, total_seconds=0.1)
            async with fetcher.open(f"http://public.test:{site.port}/", bounds) as fetched:
                async for _ in fetched.pieces():
                    pass


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress", "chunked"])
async def test_a_compression_that_was_not_asked_for_is_refused(encoding: str) -> None:
    async def answer(_path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(head(Content_Type="text/html", Content_Encoding=encoding, Content_Length="4") + b"abcd")

    with pytest.raises(FetchBadAnswer):
        await fetch(answer, Bounds())


async def test_only_the_types_that_were_asked_for_are_taken() -> None:
    async def answer(_path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(head(Content_Type="application/x-evil", Content_Length="1") + b"x")

    async def untyped(_path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(head(Content_Length="1") + b"x")

    for server in (answer, untyped):
        with pytest.raises(FetchUnsupportedType):
            await fetch(server, Bounds(media_types=frozenset({"text/html"})))
    assert await fetch(answer, Bounds()) == b"x"


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops", "304 Not Modified", "204 No Content"])
async def test_a_failed_answer_is_named_by_its_status(status: str) -> None:
    async def answer(_path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(head(status))

    if status.startswith("2"):
        assert await fetch(answer, Bounds()) == b""
        return
    with pytest.raises(FetchBadAnswer) as refusal:
        await fetch(answer, Bounds())
    assert refusal.value.status == int(status[:3])


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0" * 100,
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"x" * 1000, mtime=0)[:-9],
        b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_what_is_not_proper_http_is_a_bad_answer(raw: bytes) -> None:
    async def answer(_path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)

    with pytest.raises(FetchBadAnswer):
        await fetch(answer, Bounds(total_seconds=5))


@given(st.lists(st.binary(max_size=300_000), max_size=4), st.integers(1, 50_000), st.sampled_from(["gzip", "deflate"]))
def test_inflating_in_pieces_gives_what_was_packed(parts: list[bytes], step: int, encoding: str) -> None:
    if encoding == "gzip":
        packed = b"".join(gzip.compress(part, mtime=0) for part in parts)
    else:
        parts = parts[:1]
        packed = b"".join(zlib.compress(part) for part in parts)
    decoder = Decoder(encoding)
    pieces: list[bytes] = []
    for start in range(0, len(packed), step):
        pieces.extend(decoder.decode(packed[start : start + step]))
    decoder.finish()
    assert b"".join(pieces) == b"".join(parts)
    assert all(0 < len(piece) <= 65_536 for piece in pieces)


def test_deflate_without_its_frame_is_read_too() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(b"hello" * 100) + packer.flush()
    assert b"".join(Decoder("deflate").decode(packed)) == b"hello" * 100
