"""Providers of models, what they offer, the keys to them, how they fare, and how models are chosen."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MINE = "kontor_scope() = 'person' AND owner_id = kontor_user()"
OURS = "kontor_scope() = 'admin' AND owner_id IS NULL"
SYSTEM = "kontor_scope() = 'system'"

# Who holds a row, never null: so that composite foreign keys see the house as somebody too.
HOUSE = "'00000000-0000-0000-0000-000000000000'::uuid"
HOLDER = f"holder uuid GENERATED ALWAYS AS (coalesce(owner_id, {HOUSE})) STORED NOT NULL"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    providers()
    models()
    keys()
    checks()
    configuration()
    passages()
    for table in ("provider", "model", "provider_key", "provider_check", "gateway_config"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def providers() -> None:
    # `origin` is the beginning of the address that a key is bound to: scheme, host and port.
    op.execute(f"""
        CREATE TABLE provider (
            id uuid NOT NULL,
            owner_id uuid CONSTRAINT provider_owner_id_fkey REFERENCES person (id) ON DELETE CASCADE,
            {HOLDER},
            kind text NOT NULL CONSTRAINT provider_kind_check CHECK (kind ~ '^[a-z][a-z0-9_-]{{0,39}}$'),
            label text NOT NULL CONSTRAINT provider_label_check CHECK (length(label) BETWEEN 1 AND 80),
            protocol text NOT NULL CONSTRAINT provider_protocol_check CHECK (protocol ~ '^[a-z][a-z0-9_-]{{0,39}}$'),
            base_url text NOT NULL CONSTRAINT provider_base_url_check CHECK (length(base_url) BETWEEN 1 AND 2000),
            origin text NOT NULL CONSTRAINT provider_origin_check
                CHECK (base_url = origin OR starts_with(base_url, origin || '/')),
            quirks jsonb NOT NULL DEFAULT '{{}}',
            timeouts jsonb NOT NULL DEFAULT '{{}}',
            concurrency integer NOT NULL DEFAULT 16
                CONSTRAINT provider_concurrency_check CHECK (concurrency BETWEEN 1 AND 1000),
            is_enabled boolean NOT NULL DEFAULT true,
            is_local boolean NOT NULL DEFAULT false,
            version integer NOT NULL DEFAULT 1,
            checked_at timestamptz,
            ok_at timestamptz,
            failed_at timestamptz,
            latency_ms integer,
            error_code text,
            error text CONSTRAINT provider_error_check CHECK (length(error) <= 500),
            refreshed_at timestamptz,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT provider_pkey PRIMARY KEY (id),
            CONSTRAINT provider_id_holder_key UNIQUE (id, holder),
            CONSTRAINT provider_id_holder_origin_key UNIQUE (id, holder, origin)
        )
    """)
    op.execute("CREATE INDEX provider_owner_id_idx ON provider (owner_id)")
    shared("provider")


def models() -> None:
    # `facts` is what data and the provider's list say, `edits` what an administrator says; the latter wins.
    op.execute(f"""
        CREATE TABLE model (
            id uuid NOT NULL,
            provider_id uuid NOT NULL,
            owner_id uuid,
            {HOLDER},
            name text NOT NULL CONSTRAINT model_name_check CHECK (length(name) BETWEEN 1 AND 200),
            source text NOT NULL CONSTRAINT model_source_check CHECK (source IN ('listed', 'manual')),
            facts jsonb NOT NULL DEFAULT '{{}}',
            edits jsonb NOT NULL DEFAULT '{{}}',
            is_enabled boolean NOT NULL DEFAULT true,
            enabled_roles text[] NOT NULL DEFAULT '{{user,manager,admin}}' CONSTRAINT model_enabled_roles_check
                CHECK (enabled_roles <@ '{{user,manager,admin}}'),
            gone_at timestamptz,
            version integer NOT NULL DEFAULT 1,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT model_pkey PRIMARY KEY (id),
            CONSTRAINT model_provider_id_name_key UNIQUE (provider_id, name),
            CONSTRAINT model_provider_fkey FOREIGN KEY (provider_id, holder)
                REFERENCES provider (id, holder) ON DELETE CASCADE
        )
    """)
    op.execute("CREATE INDEX model_owner_id_idx ON model (owner_id)")
    shared("model")


def keys() -> None:
    # A key of the house goes to providers of the house alone, and each key to the address it was entered for: whoever
    # changes that address finds it held by its keys.
    op.execute(f"""
        CREATE TABLE provider_key (
            id uuid NOT NULL,
            owner_id uuid CONSTRAINT provider_key_owner_id_fkey REFERENCES person (id) ON DELETE CASCADE,
            {HOLDER},
            provider_id uuid NOT NULL,
            provider_holder uuid NOT NULL CONSTRAINT provider_key_provider_holder_check
                CHECK (provider_holder IN (holder, {HOUSE})),
            origin text NOT NULL,
            sealed bytea NOT NULL,
            ending text NOT NULL CONSTRAINT provider_key_ending_check CHECK (length(ending) <= 4),
            state text NOT NULL CONSTRAINT provider_key_state_check CHECK (state IN ('ok', 'untested', 'refused')),
            tested_at timestamptz,
            last_used_at timestamptz,
            created_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT provider_key_pkey PRIMARY KEY (id),
            CONSTRAINT provider_key_provider_fkey FOREIGN KEY (provider_id, provider_holder, origin)
                REFERENCES provider (id, holder, origin) ON DELETE CASCADE
        )
    """)
    op.execute("CREATE INDEX provider_key_provider_id_idx ON provider_key (provider_id, provider_holder, origin)")
    op.execute("CREATE INDEX provider_key_owner_id_idx ON provider_key (owner_id)")
    op.execute(f"CREATE POLICY provider_key_mine ON provider_key USING ({MINE}) WITH CHECK ({MINE})")
    op.execute(f"CREATE POLICY provider_key_ours ON provider_key USING ({OURS}) WITH CHECK ({OURS})")
    op.execute(f"CREATE POLICY provider_key_system ON provider_key USING ({SYSTEM}) WITH CHECK ({SYSTEM})")


def checks() -> None:
    # Checks by the clock, and what a process saw of real calls in the last while.
    op.execute(f"""
        CREATE TABLE provider_check (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            provider_id uuid NOT NULL,
            owner_id uuid,
            {HOLDER},
            at timestamptz NOT NULL,
            source text NOT NULL CONSTRAINT provider_check_source_check CHECK (source IN ('check', 'calls')),
            ok integer NOT NULL CONSTRAINT provider_check_ok_check CHECK (ok >= 0),
            failed integer NOT NULL CONSTRAINT provider_check_failed_check CHECK (failed >= 0),
            first_ms integer[] NOT NULL DEFAULT '{{}}',
            error_code text,
            error text CONSTRAINT provider_check_error_check CHECK (length(error) <= 500),
            CONSTRAINT provider_check_pkey PRIMARY KEY (id),
            CONSTRAINT provider_check_provider_fkey FOREIGN KEY (provider_id, holder)
                REFERENCES provider (id, holder) ON DELETE CASCADE
        )
    """)
    op.execute("CREATE INDEX provider_check_provider_id_at_idx ON provider_check (provider_id, at)")
    op.execute("CREATE INDEX provider_check_at_idx ON provider_check (at)")
    op.execute(f"CREATE POLICY provider_check_mine ON provider_check FOR SELECT USING ({MINE})")
    op.execute(f"CREATE POLICY provider_check_ours ON provider_check FOR SELECT USING ({OURS})")
    op.execute(f"CREATE POLICY provider_check_system ON provider_check USING ({SYSTEM}) WITH CHECK ({SYSTEM})")


def configuration() -> None:
    op.execute("""
        CREATE TABLE gateway_config (
            id smallint NOT NULL DEFAULT 1 CONSTRAINT gateway_config_only_one_check CHECK (id = 1),
            configuration jsonb NOT NULL DEFAULT '{}',
            version integer NOT NULL DEFAULT 1,
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT gateway_config_pkey PRIMARY KEY (id)
        )
    """)
    op.execute("INSERT INTO gateway_config DEFAULT VALUES")
    op.execute("CREATE POLICY gateway_config_read ON gateway_config FOR SELECT USING (kontor_scope() <> 'nobody')")
    managed = "kontor_scope() IN ('admin', 'system')"
    op.execute(f"CREATE POLICY gateway_config_change ON gateway_config FOR UPDATE USING ({managed})")


def passages() -> None:
    """The answerer that every installation has: no model, only the passages themselves."""
    op.execute("""
        INSERT INTO provider (id, kind, label, protocol, base_url, origin, is_local) VALUES (
            '00000000-0000-4000-8000-000000000001', 'passages', 'Kontor', 'passages', 'kontor:passages',
            'kontor:passages', true
        )
    """)
    op.execute("""
        INSERT INTO model (id, provider_id, name, source, facts) VALUES (
            '00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001', 'passages', 'manual',
            '{"label": "Passages only", "takes": ["text"], "gives": ["text"]}'
        )
    """)


def shared(table: str) -> None:
    """What is the house's is seen by everybody who is somebody, and changed by administrators."""
    op.execute(f"""
        CREATE POLICY {table}_seen ON {table} FOR SELECT
        USING (kontor_scope() IN ('person', 'admin') AND (owner_id IS NULL OR ({MINE})))
    """)
    op.execute(f"CREATE POLICY {table}_mine ON {table} USING ({MINE}) WITH CHECK ({MINE})")
    op.execute(f"CREATE POLICY {table}_ours ON {table} USING ({OURS}) WITH CHECK ({OURS})")
    op.execute(f"CREATE POLICY {table}_system ON {table} USING ({SYSTEM}) WITH CHECK ({SYSTEM})")
