"""Everything that the environment or the command line decides, read once at start into one frozen object."""

import os
import sys
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from kontor.core.loopback import is_loopback


def default_data_dir() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Kontor"
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "kontor"


class Settings(BaseSettings):
    """Each field is an environment variable of the same name in capitals; the README's table is held to this class."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    kontor_data: Path = Field(default_factory=default_data_dir, description="Folder for the database, files and keys.")
    kontor_host: str = Field("127.0.0.1", description="Address to serve on.")
    kontor_port: int = Field(8000, ge=1, le=65535, description="Port to serve on.")
    kontor_url: str | None = Field(
        None, description="Public address, for links in mails and for cookies behind a proxy."
    )
    kontor_kind: Literal["single", "multi"] = Field(
        "single", description="`single`: one owner, signed in by the printed link. `multi`: people with accounts."
    )
    kontor_master_key: SecretStr | None = Field(
        None, description="Master key (32 bytes, base64). Without it a file in the data folder, made at first start."
    )
    kontor_master_key_old: SecretStr | None = Field(
        None,
        description="Former master keys, newest first, separated by commas, until `kontor vault rotate` is through.",
    )
    kontor_trusted_proxies: str = Field(
        "", description="Networks of proxies whose `X-Forwarded-*` headers count, separated by commas."
    )
    kontor_metrics_from: str = Field(
        "127.0.0.0/8,::1", description="Networks that may read `/metrics` without a token, separated by commas."
    )
    kontor_log: Literal["text", "json"] = Field("text", description="How log lines are written.")
    kontor_log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least that is logged."
    )
    kontor_max_body_bytes: int = Field(
        2_097_152,
        ge=1024,
        description="Larger request bodies are refused before they are read (uploads have their own). "
        "Whoever is not signed in may send 65536 at most.",
    )
    kontor_worker_concurrency: int = Field(4, ge=1, le=64, description="Jobs that one worker runs at the same time.")
    kontor_jobs_per_person: int = Field(2, ge=1, description="Jobs of one person that run or queue at the same time.")
    kontor_min_free_bytes: int = Field(
        268_435_456, ge=0, description="Below this much free disk, `/health/ready` says no and uploads are refused."
    )
    kontor_project_documents: int = Field(
        20_000, ge=0, description="Documents that one project may hold; `0` for as many as there is room for."
    )
    kontor_project_bytes: int = Field(
        0, ge=0, description="Bytes of files that one project may hold; `0` for as many as its owner has room for."
    )
    kontor_audit_address_days: int = Field(
        90, ge=7, le=3650, description="Days after which client addresses are taken out of the audit log."
    )
    kontor_dump: Literal["on", "off"] = Field(
        "on", description="`on`: a dump of the database is taken before its schema is upgraded."
    )
    kontor_drain_seconds: float = Field(20, ge=0, le=25, description="How long running work may finish after SIGTERM.")

    database_url: SecretStr | None = Field(
        None, description="External PostgreSQL (16 or newer, with pgvector) as its owner. Without it the embedded one."
    )
    database_app_url: SecretStr | None = Field(
        None, description="The same database as the application's own role, where the owner may not create roles."
    )
    database_app_role: str = Field(
        "kontor_app",
        pattern=r"^[a-z_][a-z0-9_]{0,62}$",
        description="Name of the application's role, which owns nothing.",
    )
    database_pool: int = Field(10, ge=2, le=200, description="Connections that one process keeps.")
    blob_url: str | None = Field(None, description="Where files are kept: `file:///path` or `s3://bucket/prefix`.")
    blob_endpoint: str | None = Field(None, description="Address of an S3-compatible service that is not Amazon's.")
    blob_region: str = Field("eu-central-1", description="Region of the bucket.")
    blob_access_key: SecretStr | None = Field(None, description="Access key for the bucket.")
    blob_secret_key: SecretStr | None = Field(None, description="Secret key for the bucket.")
    kontor_rate_factor: float = Field(
        1, ge=0, description="Multiplies all rate limits, such as `2` for twice as much; `0` switches them off."
    )
    kontor_fetch_ports: str = Field(
        "80,443", description="Ports that addresses given by people may name, separated by commas."
    )
    kontor_fetch_allow: str = Field(
        "",
        description="Private networks that may be fetched from all the same, such as `10.1.2.0/24`; best left empty.",
    )
    kontor_fetch_deny: str = Field(
        "", description="Further networks never to fetch from, such as this machine's own public address."
    )
    vector_url: str | None = Field(
        None, description="Address of a Qdrant that keeps the vectors, such as `http://host:6333`. Unset: PostgreSQL."
    )
    vector_key: SecretStr | None = Field(None, description="Key for that Qdrant.")
    redis_url: SecretStr | None = Field(None, description="Redis for rate limits shared by several web processes.")

    smtp_url: SecretStr | None = Field(
        None, description="Mail server: `smtp://user:password@host:587` (STARTTLS) or `smtps://…:465`."
    )
    mail_from: str = Field("Kontor <kontor@localhost>", description="Sender of mails.")

    admin_email: str | None = Field(None, description="First administrator of a `multi` installation.")
    admin_password: SecretStr | None = Field(None, description="Their password at first start.")

    oidc_issuer: str | None = Field(None, description="Address of an OpenID Connect provider to sign in with.")
    oidc_client_id: str | None = Field(None, description="Client id at that provider.")
    oidc_client_secret: SecretStr | None = Field(None, description="Client secret at that provider.")
    oidc_label: str = Field("Single sign-on", description="What the sign-in button says.")

    otel_exporter_otlp_endpoint: str | None = Field(None, description="Where traces are sent; unset: nowhere.")

    @field_validator("kontor_data")
    @classmethod
    def absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @property
    def is_multi(self) -> bool:
        return self.kontor_kind == "multi"

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.kontor_host)

    @property
    def public_url(self) -> str:
        if self.kontor_url:
            return self.kontor_url.rstrip("/")
        host = f"[{self.kontor_host}]" if ":" in self.kontor_host else self.kontor_host
        return f"http://{host}:{self.kontor_port}"


def load_settings(**overrides: object) -> Settings:
    """Overrides are what the command line said; they win over the environment."""
    return Settings(**{name: value for name, value in overrides.items() if value is not None})  # type: ignore[arg-type]  # checked by pydantic
