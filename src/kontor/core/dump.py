"""A dump of the whole database, taken before each upgrade of its schema."""

import asyncio
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import structlog

from kontor.core.errors import Kind, KontorError
from kontor.core.postgres import SUPERUSER, BinariesMissing, find_binaries, last_known

log = structlog.get_logger(__name__)

KEPT = 5


class DumpFailed(KontorError):
    kind, code = Kind.UNAVAILABLE, "database.dump_failed"


async def dump_before_upgrade(owner_url: str, data_dir: Path, revision: str) -> Path:
    """Writes `backups/before-<revision>-<time>.dump` and keeps the newest few. Restored with pg_restore."""
    folder = data_dir / "backups"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / f"before-{revision}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}.dump"
    draft = target.with_suffix(".part")
    program = await asyncio.to_thread(_program)
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    arguments = ["--format=custom", "--no-password", f"--file={draft}"]
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}
        | connection_environment(url_that_sees_everything(owner_url, data_dir)),
    )
    said, _ = await process.communicate()
    if process.returncode != 0:
        draft.unlink(missing_ok=True)
        raise DumpFailed(explain(said.decode("utf-8", "replace").strip(), owner_url))
    draft.replace(target)
    for old in sorted(folder.glob("before-*.dump"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
        old.unlink(missing_ok=True)
        log.info("dump.removed", path=str(old))
    return target


def url_that_sees_everything(owner_url: str, data_dir: Path) -> str:
    """Row-Level Security is forced on the owner too. In the embedded server we can be the superuser for a dump;
    an external owner needs BYPASSRLS. A dump that policies had filtered would be worse than none: pg_dump refuses it.
    """
    server = last_known(data_dir)
    is_embedded = server is not None and owner_url == server.url()
    return server.url(user=SUPERUSER) if server is not None and is_embedded else owner_url


def explain(said: str, owner_url: str) -> str:
    if "row-level security" in said:
        owner = unquote(urlsplit(owner_url).username or "the owner")
        return (
            f"Before an upgrade the whole database is dumped, and {owner} may not see every row. Nothing was changed. "
            f"As a superuser: ALTER ROLE {owner} BYPASSRLS; (the application never connects as {owner}). Or take a "
            "backup yourself and start once with KONTOR_DUMP=off."
        )
    return (
        f"The dump before the upgrade failed, so nothing was changed: {said[-1000:]} "
        "Mend that, or take a backup yourself and start once with KONTOR_DUMP=off."
    )


def connection_environment(url: str) -> dict[str, str]:
    """For PostgreSQL's own programs: in the environment, because arguments can be read by every user."""
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    found = {
        "PGHOST": query.get("host") or parts.hostname,
        "PGPORT": query.get("port") or (str(parts.port) if parts.port else None),
        "PGUSER": unquote(parts.username) if parts.username else None,
        "PGPASSWORD": unquote(parts.password) if parts.password else None,
        "PGDATABASE": unquote(parts.path.lstrip("/")) or None,
        "PGSSLMODE": query.get("sslmode") or query.get("ssl"),
    }
    return {name: value for name, value in found.items() if value}


def _program() -> str:
    """The machine's own pg_dump where it has one newer than the wheel's; otherwise the wheel's."""
    candidates: list[str] = []
    try:
        bundled = find_binaries().pg_dump
        candidates += [str(bundled)] if bundled else []
    except BinariesMissing:
        pass
    installed = shutil.which("pg_dump")
    candidates += [installed] if installed else []
    if not candidates:
        raise DumpFailed("There is no pg_dump on this machine to take a dump before the upgrade.")
    return max(candidates, key=_major)


def _major(program: str) -> int:
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"(\d+)\.", shown.stdout)
    return int(found[1]) if found else 0
