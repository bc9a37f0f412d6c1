"""A Kontor of a bench's own: an embedded PostgreSQL, a web process, workers where wanted, and one person in it."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path
from typing import Any
from uuid import UUID

from kontor.core import schema
from kontor.core.postgres import SUPERUSER, EmbeddedPostgres

EMAIL, PASSWORD = "ada@example.org", "bench bench bench bench"
APP_ROLE = "kontor_app"
SCOPES = ["account:read", "projects:read", "projects:write", "documents:read", "documents:write"]


class Client:
    """One connection that is kept."""

    def __init__(self, address: str, token: str = "") -> None:
        self._connection = HTTPConnection(address, timeout=600)
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        raw = None if body is None else json.dumps(body)
        try:
            self._connection.request(method, f"/api/v1{path}", raw, self._headers)
            answer = self._connection.getresponse()
        except (BrokenPipeError, ConnectionResetError, RemoteDisconnected):  # one that was not used is closed
            self._connection.close()
            self._connection.request(method, f"/api/v1{path}", raw, self._headers)
            answer = self._connection.getresponse()
        said = json.loads(answer.read() or b"null")
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {said}")
        return said


@dataclass(frozen=True, slots=True)
class Own:
    address: str
    token: str
    person: UUID
    app_url: str
    superuser_url: str

    def client(self) -> Client:
        return Client(self.address, self.token)


@contextmanager
def own_kontor(top: Path, *, workers: int = 0, **more: str) -> Iterator[Own]:
    top.chmod(0o755)  # the database's own user passes through
    with EmbeddedPostgres(top / "postgres", durable=False).running() as server:
        password = server.password(APP_ROLE)
        asyncio.run(schema.migrate(server.url(), app_role=APP_ROLE, app_password=password))
        port = free_port()
        environment = {
            "KONTOR_DATA": str(top / "data"),
            "KONTOR_KIND": "multi",
            "KONTOR_PORT": str(port),
            "KONTOR_RATE_FACTOR": "0",
            "KONTOR_DUMP": "off",
            "DATABASE_URL": server.url(),
            "DATABASE_APP_URL": server.url(user=APP_ROLE),
            "ADMIN_EMAIL": EMAIL,
            "ADMIN_PASSWORD": PASSWORD,
        } | more
        with process(["web"], environment, top / "web.log", ready=port):
            said = Client(f"127.0.0.1:{port}").ask("POST", "/auth/login", {"email": EMAIL, "password": PASSWORD})
            # A session's token would end in the middle.
            wanted = {"name": "Bench", "scopes": SCOPES}
            made_token = Client(f"127.0.0.1:{port}", str(said["access_token"])).ask("POST", "/auth/tokens", wanted)
            token = str(made_token["token"])
            person = UUID(Client(f"127.0.0.1:{port}", token).ask("GET", "/auth/me")["id"])
            made = Own(f"127.0.0.1:{port}", token, person, server.url(user=APP_ROLE), server.url(user=SUPERUSER))
            if not workers:
                yield made
                return
            with process(["worker"], environment, top / "worker.log"):
                yield made


@contextmanager
def process(
    command: Sequence[str], environment: dict[str, str], log: Path, *, ready: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        running = subprocess.Popen(
            [sys.executable, "-c", "from kontor.cli.main import main; main()", *command],
            env=os.environ | environment, stdout=output, stderr=output,
        )  # fmt: skip
        try:
            for _ in range(600):
                if ready is None or is_ready(ready):
                    break
                if running.poll() is not None:
                    sys.exit(log.read_text("utf-8"))
                time.sleep(0.1)
            yield running
        finally:
            running.terminate()
            running.wait(60)


def is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])
