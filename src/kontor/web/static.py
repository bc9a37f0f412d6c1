"""The web app's files, and its page, which says in its first bytes how this person wants to see it."""

import asyncio
import gzip
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Literal

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

import kontor
from kontor.accounts.preferences import Appearance
from kontor.core.errors import Kind, KontorError
from kontor.core.http.conditional import accepts, is_seen
from kontor.core.http.problems import ProblemResponse, problem_body
from kontor.web.lifecycle import Lifecycle, Phase
from kontor.web.middleware import refuse

BUILT = Path(kontor.__file__).parent / "_ui"
RESERVED = ("/api", "/ws", "/v1", "/health", "/metrics", "/.well-known")

MEDIA_TYPES: Mapping[str, str] = {
    ".bcmap": "application/octet-stream",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".icc": "application/vnd.iccprofile",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".pfb": "application/octet-stream",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
COMPRESSIBLE = frozenset({".css", ".html", ".js", ".json", ".map", ".mjs", ".svg", ".txt", ".wasm", ".webmanifest"})
WORTH_COMPRESSING_BYTES = 1024

# The build puts a hash of the content into these names, so whoever has one has it for good.
HASHED = "/assets/"
# A worker lives by the policy of its own script. This one decodes pictures of scanned pages by WebAssembly, which the
# page itself may not compile; it has no document and can reach nobody but us.
PDF_WORKER = "/assets/pdf.worker"
PDF_WORKER_POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
FOR_GOOD = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"

Language = Literal["de", "en"]
Look = Callable[[Scope], Awaitable[Appearance]]


class PageNotFound(KontorError):
    kind, code = Kind.NOT_FOUND, "web.not_found"

    def __init__(self) -> None:
        super().__init__("There is no such file.")


class File:
    def __init__(self, path: Path, url: str) -> None:
        self.path = path
        self.media_type = MEDIA_TYPES[path.suffix]
        self.cache_control = FOR_GOOD if url.startswith(HASHED) else ASK_AGAIN
        self.policy = PDF_WORKER_POLICY if url.startswith(PDF_WORKER) else None
        self.siblings = {
            encoding: path.with_name(path.name + suffix)
            for encoding, suffix in (("br", ".br"), ("gzip", ".gz"))
            if path.with_name(path.name + suffix).is_file()
        }

    @cached_property
    def etag(self) -> str:
        return '"' + hashlib.sha256(self.path.read_bytes()).hexdigest()[:20] + '"'

    @cached_property
    def gzipped(self) -> bytes | None:
        """For builds that brought no compressed siblings: made at the first wish and kept, a few hundred KB in all."""
        raw = self.path.read_bytes()
        if self.path.suffix not in COMPRESSIBLE or len(raw) < WORTH_COMPRESSING_BYTES:
            return None
        return gzip.compress(raw, 9, mtime=0)

    def body(self, accepted: str) -> tuple[bytes, str | None]:
        for encoding, sibling in self.siblings.items():
            if accepts(accepted, encoding):
                return sibling.read_bytes(), encoding
        if accepts(accepted, "gzip") and self.gzipped is not None:
            return self.gzipped, "gzip"
        return self.path.read_bytes(), None


@dataclass(frozen=True, slots=True)
class Build:
    """The files as they were when they were listed; only what is listed is served, so no path can lead elsewhere."""

    files: Mapping[str, File]
    page: str | None
    seen: int  # when the page was written, to notice a new build

    @classmethod
    def read(cls, folder: Path) -> "Build":
        index = folder / "index.html"
        files = {
            url: File(path, url)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.suffix in MEDIA_TYPES and path != index
            if not any(part.startswith(".") for part in path.relative_to(folder).parts)
            for url in ["/" + path.relative_to(folder).as_posix()]
        }
        page = index.read_text("utf-8") if index.is_file() else None
        return cls(files, page, written_at(folder))


def written_at(folder: Path) -> int:
    try:
        return (folder / "index.html").stat().st_mtime_ns
    except OSError:
        return 0


class Pages:
    """Answers everything that is not the API: files of the build, and the one page for every address of the app."""

    def __init__(self, app: ASGIApp, *, lifecycle: Lifecycle, look: Look, folder: Path = BUILT) -> None:
        self.app = app
        self.lifecycle = lifecycle
        self.look = look
        self.folder = folder
        self._build: Build | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_reserved(scope["path"]):
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        if scope["method"] not in {"GET", "HEAD"}:
            scope["kontor.route"] = "(page)"
            request_id = scope.get("kontor.request_id")
            body = problem_body(405, "http.method_not_allowed", "Pages can only be read.", request_id=request_id)
            await ProblemResponse(body, headers={"Allow": "GET, HEAD"})(scope, receive, send)
            return
        request = Request(scope)
        build = await asyncio.to_thread(self._listed) if self._is_stale() else self._current()
        if (file := build.files.get(path)) is not None:
            scope["kontor.route"] = "(static)"
            response = await asyncio.to_thread(serve, file, request)
            await response(scope, receive, send)
        elif path.startswith(HASHED) or Path(path).suffix in MEDIA_TYPES:
            # A file of an older build: the page would be taken for a script.
            scope["kontor.route"] = "(static)"
            await refuse(PageNotFound(), scope, receive, send)
        else:
            scope["kontor.route"] = "(page)"
            response = await self._page(build, request)
            await response(scope, receive, send)

    def _is_stale(self) -> bool:
        return self._build is None or self._build.seen != written_at(self.folder)

    def _listed(self) -> Build:
        self._build = Build.read(self.folder)
        return self._build

    def _current(self) -> Build:
        assert self._build is not None  # noqa: S101 - _is_stale() has asked
        return self._build

    async def _page(self, build: Build, request: Request) -> Response:
        preferred = preferred_language(request.headers.get("accept-language", ""))
        if self.lifecycle.phase is Phase.STARTING:
            return HTMLResponse(STARTING[preferred], status_code=503, headers={"Refresh": "1", "Retry-After": "1"})
        if build.page is None:
            return HTMLResponse(NOT_BUILT[preferred], status_code=503)
        appearance = await self.look(request.scope)
        language = preferred if appearance.language == "system" else appearance.language
        page = dressed(build.page, language=language, theme=appearance.theme, text_size=appearance.text_size)
        return HTMLResponse(page, headers={"Vary": "Cookie, Accept-Language"})


BELOW_RESERVED = tuple(f"{prefix}/" for prefix in RESERVED)


def is_reserved(path: str) -> bool:
    return path.startswith(BELOW_RESERVED) or path in RESERVED


def serve(file: File, request: Request) -> Response:
    headers = {
        "ETag": file.etag,
        "Cache-Control": file.cache_control,
        "Vary": "Accept-Encoding",
        "Content-Type": file.media_type,
    }
    if file.policy is not None:
        headers["Content-Security-Policy"] = file.policy
    if is_seen(request.headers.get("if-none-match"), file.etag):
        return Response(status_code=304, headers=headers)
    body, encoding = file.body(request.headers.get("accept-encoding", ""))
    if encoding is not None:
        headers["Content-Encoding"] = encoding
    return Response(body, headers=headers)


def dressed(page: str, *, language: str, theme: str, text_size: int) -> str:
    """The page with the person's own choice in its first tag, so that nothing flashes in other colours or sizes."""
    tag = f'<html lang="{escape(language)}" data-theme="{escape(theme)}" data-text-size="{text_size}">'
    return re.sub(r"<html\b[^>]*>", lambda _: tag, page, count=1)


def preferred_language(header: str) -> Language:
    """German when it is wanted before English; English for everybody else."""
    best: tuple[float, Language] = (0.0, "en")
    for part in header.split(",")[:20]:
        name, _, weight = part.strip().lower().partition(";q=")
        try:
            quality = float(weight or 1)
        except ValueError:
            continue
        primary = name.split("-")[0]
        if quality > best[0] and primary == "de":
            best = (quality, "de")
        elif quality > best[0] and primary == "en":
            best = (quality, "en")
    return best[1]


def plain_page(language: Language, title: str, *paragraphs: str) -> str:
    """Without a single style: the policy allows none here, and it must be readable in any browser."""
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>{title}</title></head><body><h1>{title}</h1>{body}</body></html>'
    )


STARTING: Mapping[Language, str] = {
    "en": plain_page("en", "Kontor is starting", "This page reloads by itself."),
    "de": plain_page("de", "Kontor startet", "Diese Seite lädt sich von selbst neu."),
}
NOT_BUILT: Mapping[Language, str] = {
    "en": plain_page(
        "en",
        "The web app is not built",
        "Kontor itself runs, but this copy brings no web app.",
        "Start it with <code>./kontor</code>, which builds the app, or install a released package. "
        'The interface for programs works: <a href="/api/v1/openapi.json">its description</a>.',
    ),
    "de": plain_page(
        "de",
        "Die Web-App ist nicht gebaut",
        "Kontor selbst läuft, aber diese Kopie bringt keine Web-App mit.",
        "Starten Sie mit <code>./kontor</code>, das baut die App, oder installieren Sie ein veröffentlichtes Paket. "
        'Die Schnittstelle für Programme funktioniert: <a href="/api/v1/openapi.json">ihre Beschreibung</a>.',
    ),
}
