"""Our own origin, written as browsers write it, and pages of it."""

from urllib.parse import urlsplit

START = "/"
MOST_PAGE_CHARACTERS = 2000
DEFAULT_PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> str:
    """Lower case, and without the port that goes without saying."""
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    named = f"[{host}]" if ":" in host else host
    port = "" if parts.port in {None, DEFAULT_PORTS.get(scheme)} else f":{parts.port}"
    return f"{scheme}://{named}{port}"


def own_page(wanted: str | None) -> str:
    """The path that somebody wanted to come back to, or the start page: anybody can send a link with any path in it.

    What browsers could read as another host (`//host`, `/\\host`, either behind dot segments) is refused as it is
    written, and so are our own interfaces, which are no pages.
    """
    if wanted is None or len(wanted) > MOST_PAGE_CHARACTERS or not wanted.startswith("/"):
        return START
    path = wanted.partition("?")[0].partition("#")[0]
    is_plain = wanted.isascii() and wanted.isprintable() and " " not in wanted and "\\" not in wanted
    segments = path.lower().replace("%2e", ".").split("/")
    is_elsewhere = "//" in path or "." in segments or ".." in segments
    return wanted if is_plain and not is_elsewhere and not f"{path}/".startswith("/api/") else START
