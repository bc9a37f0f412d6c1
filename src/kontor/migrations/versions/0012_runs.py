"""Runs of models, what they said, and what they used."""

from alembic import context, op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

MINE = "kontor_scope() = 'person' AND owner_id = kontor_user()"
SYSTEM = "kontor_scope() = 'system'"


def upgrade() -> None:
    app = context.config.attributes["app_role"]
    op.execute("SET LOCAL lock_timeout = '5s'")
    producers()
    runs()
    events(app)
    usage_lines()


def producers() -> None:
    # The processes that produce. One row is renewed for all runs of a process; a run whose row has lapsed is anybody's.
    op.execute("""
        CREATE TABLE run_producer (
            id uuid CONSTRAINT run_producer_pkey PRIMARY KEY,
            lease_until timestamptz NOT NULL,
            started_at timestamptz NOT NULL DEFAULT clock_timestamp()
        )
    """)
    force("run_producer")
    op.execute(f"CREATE POLICY run_producer_system ON run_producer USING ({SYSTEM}) WITH CHECK ({SYSTEM})")


def runs() -> None:
    # What a run was for outlives the model, the provider and the key, so they are named by no foreign key. The request
    # is json and not jsonb: it is read whole or not at all, and may hold characters that jsonb refuses.
    op.execute("""
        CREATE TABLE run (
            id uuid NOT NULL,
            owner_id uuid NOT NULL,
            payer_id uuid NOT NULL,
            project_id uuid,
            kind text NOT NULL CONSTRAINT run_kind_check CHECK (length(kind) BETWEEN 1 AND 40),
            state text NOT NULL,
            model_id uuid,
            provider_id uuid,
            key_id uuid,
            provider_kind text NOT NULL,
            model_name text NOT NULL,
            routed json NOT NULL DEFAULT '{}',
            tried json NOT NULL DEFAULT '[]',
            request json NOT NULL,
            fingerprint bytea,
            losses json NOT NULL DEFAULT '[]',
            quote json,
            upper json NOT NULL DEFAULT '{}',
            hold_nano bigint NOT NULL DEFAULT 0 CONSTRAINT run_hold_nano_check CHECK (hold_nano >= 0),
            max_cost_nano bigint CONSTRAINT run_max_cost_nano_check CHECK (max_cost_nano >= 0),
            usage json,
            cost json,
            is_estimated boolean NOT NULL DEFAULT false,
            settled_as text,
            finish_reason text,
            error json,
            idempotency_key text CONSTRAINT run_idempotency_key_check CHECK (length(idempotency_key) BETWEEN 1 AND 200),
            last_seq bigint NOT NULL DEFAULT 0,
            lease_holder uuid,
            stop_requested_at timestamptz,
            continues_id uuid,
            accepted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            first_at timestamptz,
            finished_at timestamptz,
            CONSTRAINT run_pkey PRIMARY KEY (id),
            CONSTRAINT run_owner_id_id_key UNIQUE (owner_id, id),
            CONSTRAINT run_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES person (id) ON DELETE CASCADE,
            CONSTRAINT run_state_check
                CHECK (state IN ('accepted', 'running', 'done', 'failed', 'stopped', 'interrupted')),
            CONSTRAINT run_finished_check
                CHECK ((state IN ('done', 'failed', 'stopped', 'interrupted')) = (finished_at IS NOT NULL)),
            CONSTRAINT run_settled_check CHECK ((finished_at IS NULL) = (settled_as IS NULL))
        )
    """)
    op.execute("""
        CREATE UNIQUE INDEX run_owner_id_idempotency_key_key ON run (owner_id, idempotency_key)
        WHERE idempotency_key IS NOT NULL
    """)
    op.execute("CREATE INDEX run_owner_id_accepted_at_id_idx ON run (owner_id, accepted_at DESC, id DESC)")
    op.execute("CREATE INDEX run_open_idx ON run (lease_holder) WHERE finished_at IS NULL")
    force("run")
    op.execute(f"CREATE POLICY run_read ON run FOR SELECT USING ({MINE} OR kontor_scope() IN ('full', 'system'))")
    op.execute(f"CREATE POLICY run_begin ON run FOR INSERT WITH CHECK ({MINE} OR {SYSTEM})")
    # Only the journal writes on: a person's own statement can neither finish a run nor change what it cost.
    op.execute(f"CREATE POLICY run_write ON run FOR UPDATE USING ({SYSTEM})")
    op.execute(f"CREATE POLICY run_sweep ON run FOR DELETE USING ({SYSTEM})")


def events(app: str) -> None:
    # `seq` is the place after the event (see `gateway.runs.events`).
    op.execute("""
        CREATE TABLE run_event (
            run_id uuid NOT NULL,
            seq bigint NOT NULL CONSTRAINT run_event_seq_check CHECK (seq > 0),
            owner_id uuid NOT NULL,
            kind text NOT NULL,
            data json NOT NULL,
            at timestamptz NOT NULL DEFAULT clock_timestamp(),
            CONSTRAINT run_event_pkey PRIMARY KEY (run_id, seq),
            CONSTRAINT run_event_owner_id_run_id_fkey FOREIGN KEY (owner_id, run_id)
                REFERENCES run (owner_id, id) ON DELETE CASCADE
        )
    """)
    op.execute(f"REVOKE UPDATE ON run_event FROM {app}")
    force("run_event")
    op.execute(f"""
        CREATE POLICY run_event_read ON run_event FOR SELECT USING ({MINE} OR kontor_scope() IN ('full', 'system'))
    """)
    op.execute(f"CREATE POLICY run_event_append ON run_event FOR INSERT WITH CHECK ({SYSTEM})")
    op.execute(f"CREATE POLICY run_event_sweep ON run_event FOR DELETE USING ({SYSTEM})")


def usage_lines() -> None:
    # Bookkeeping: no word of what was asked, and kept when the run and its owner are gone.
    op.execute("""
        CREATE TABLE usage_line (
            run_id uuid NOT NULL,
            owner_id uuid NOT NULL,
            payer_id uuid NOT NULL,
            project_id uuid,
            kind text NOT NULL,
            key_id uuid,
            provider_id uuid,
            provider_kind text NOT NULL,
            model_id uuid,
            model_name text NOT NULL,
            day date NOT NULL,
            input_tokens bigint NOT NULL,
            cached_tokens bigint NOT NULL,
            cache_write_tokens bigint NOT NULL,
            output_tokens bigint NOT NULL,
            reasoning_tokens bigint NOT NULL,
            image_tokens bigint NOT NULL,
            audio_in_tokens bigint NOT NULL,
            audio_out_tokens bigint NOT NULL,
            provider_usd_nano bigint NOT NULL,
            charged_nano bigint NOT NULL CONSTRAINT usage_line_charged_nano_check CHECK (charged_nano >= 0),
            currency text NOT NULL,
            price_version_id uuid,
            fx_rate_id uuid,
            markup_bp integer NOT NULL,
            is_estimated boolean NOT NULL,
            is_free boolean NOT NULL,
            provider_request_id text,
            finished_at timestamptz NOT NULL,
            CONSTRAINT usage_line_pkey PRIMARY KEY (run_id)
        )
    """)
    op.execute("CREATE INDEX usage_line_owner_id_finished_at_idx ON usage_line (owner_id, finished_at DESC, run_id)")
    op.execute("CREATE INDEX usage_line_day_idx ON usage_line (day)")
    force("usage_line")
    # How much somebody used is part of managing people; what they asked is not.
    op.execute(f"""
        CREATE POLICY usage_line_read ON usage_line FOR SELECT USING (
            {MINE} OR (kontor_scope() = 'person' AND payer_id = kontor_user())
            OR kontor_scope() IN ('admin', 'full', 'system')
        )
    """)
    op.execute(f"CREATE POLICY usage_line_write ON usage_line FOR INSERT WITH CHECK ({SYSTEM})")
    op.execute(f"CREATE POLICY usage_line_sweep ON usage_line FOR DELETE USING ({SYSTEM})")


def force(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
