"""Identity of a transaction, configuration of the installation, remembered answers."""

from alembic import context, op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    app = context.config.attributes["app_role"]
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("CREATE EXTENSION IF NOT EXISTS vector")
    op.execute(f"GRANT USAGE ON SCHEMA public TO {app}")
    op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app}")
    op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {app}")
    op.execute(f"GRANT SELECT ON alembic_version TO {app}")
    op.execute(f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {app}")
    # After a transaction the settings are '' and not NULL, hence nullif. Absent means nobody, and nobody sees no rows.
    op.execute("""
        CREATE FUNCTION kontor_user() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
        RETURN nullif(current_setting('kontor.user_id', true), '')::uuid
    """)
    op.execute("""
        CREATE FUNCTION kontor_scope() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
        RETURN coalesce(nullif(current_setting('kontor.scope', true), ''), 'nobody')
    """)
    op.execute("""
        CREATE TABLE installation (
            id smallint PRIMARY KEY DEFAULT 1 CONSTRAINT installation_only_one_check CHECK (id = 1),
            configuration jsonb NOT NULL DEFAULT '{}',
            version integer NOT NULL DEFAULT 1,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("INSERT INTO installation DEFAULT VALUES")
    op.execute("""
        CREATE TABLE idempotency_key (
            owner_id uuid NOT NULL,
            key text NOT NULL CONSTRAINT idempotency_key_length_check CHECK (length(key) BETWEEN 1 AND 200),
            fingerprint bytea NOT NULL,
            status smallint,
            media_type text,
            headers jsonb NOT NULL DEFAULT '{}',
            body bytea,
            created_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT idempotency_key_pkey PRIMARY KEY (owner_id, key)
        )
    """)
    op.execute("CREATE INDEX idempotency_key_created_at_idx ON idempotency_key (created_at)")
    op.execute("ALTER TABLE idempotency_key ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE idempotency_key FORCE ROW LEVEL SECURITY")
    op.execute("""
        CREATE POLICY idempotency_key_owner ON idempotency_key
        USING (owner_id = kontor_user()) WITH CHECK (owner_id = kontor_user())
    """)
    op.execute("""
        CREATE POLICY idempotency_key_sweep ON idempotency_key FOR DELETE USING (kontor_scope() = 'system')
    """)
    op.execute("CREATE POLICY idempotency_key_count ON idempotency_key FOR SELECT USING (kontor_scope() = 'system')")
