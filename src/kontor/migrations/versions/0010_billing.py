"""The ledger, wallets and what is held in them, grants, budgets, prices in versions, exchange rates, proofs."""

from alembic import context, op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    app = context.config.attributes["app_role"]
    op.execute("SET LOCAL lock_timeout = '5s'")
    configuration(app)
    wallets()
    ledger(app)
    holds(app)
    budgets()
    prices(app)
    exchange(app)
    proofs(app)


def configuration(app: str) -> None:
    op.execute("""
        CREATE TABLE billing_configuration (
            id smallint NOT NULL DEFAULT 1 CONSTRAINT billing_configuration_only_one_check CHECK (id = 1),
            configuration jsonb NOT NULL DEFAULT '{}',
            version integer NOT NULL DEFAULT 1,
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT billing_configuration_pkey PRIMARY KEY (id)
        )
    """)
    op.execute("INSERT INTO billing_configuration DEFAULT VALUES")
    op.execute(f"REVOKE INSERT, DELETE, TRUNCATE ON billing_configuration FROM {app}")
    of_the_house("billing_configuration")


def wallets() -> None:
    # What one may spend is purchased + granted - held - debt. What is held is always there; whatever is charged beyond
    # it and beyond all free credit is debt, and free credit pays debt first.
    op.execute("""
        CREATE TABLE wallet (
            owner_id uuid NOT NULL CONSTRAINT wallet_owner_id_fkey REFERENCES person (id) ON DELETE CASCADE,
            currency text NOT NULL CONSTRAINT wallet_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
            purchased_nano bigint NOT NULL DEFAULT 0 CONSTRAINT wallet_purchased_nano_check CHECK (purchased_nano >= 0),
            granted_nano bigint NOT NULL DEFAULT 0 CONSTRAINT wallet_granted_nano_check CHECK (granted_nano >= 0),
            held_nano bigint NOT NULL DEFAULT 0 CONSTRAINT wallet_held_nano_check CHECK (held_nano >= 0),
            debt_nano bigint NOT NULL DEFAULT 0 CONSTRAINT wallet_debt_nano_check CHECK (debt_nano >= 0),
            next_expiry_at timestamptz,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT wallet_pkey PRIMARY KEY (owner_id),
            CONSTRAINT wallet_backed_check CHECK (held_nano <= purchased_nano + granted_nano),
            CONSTRAINT wallet_debt_check CHECK (debt_nano = 0 OR held_nano = purchased_nano + granted_nano)
        ) WITH (fillfactor = 70)
    """)
    op.execute("CREATE INDEX wallet_next_expiry_at_idx ON wallet (next_expiry_at) WHERE next_expiry_at IS NOT NULL")
    booked("wallet")
    op.execute("""
        CREATE TABLE credit_grant (
            id uuid NOT NULL,
            owner_id uuid NOT NULL CONSTRAINT credit_grant_owner_id_fkey REFERENCES wallet (owner_id) ON DELETE CASCADE,
            amount_nano bigint NOT NULL CONSTRAINT credit_grant_amount_nano_check CHECK (amount_nano > 0),
            remaining_nano bigint NOT NULL,
            expires_at timestamptz,
            note text NOT NULL DEFAULT '' CONSTRAINT credit_grant_note_check CHECK (length(note) <= 300),
            granted_by uuid,
            created_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT credit_grant_pkey PRIMARY KEY (id),
            CONSTRAINT credit_grant_remaining_nano_check CHECK (remaining_nano BETWEEN 0 AND amount_nano)
        )
    """)
    op.execute("CREATE INDEX credit_grant_owner_id_idx ON credit_grant (owner_id, expires_at) WHERE remaining_nano > 0")
    booked("credit_grant")
    # What was paid in. The provider of payments tells refunds as a sum since the beginning; the difference is booked.
    op.execute("""
        CREATE TABLE top_up (
            id uuid NOT NULL,
            owner_id uuid NOT NULL CONSTRAINT top_up_owner_id_fkey REFERENCES wallet (owner_id) ON DELETE CASCADE,
            amount_nano bigint NOT NULL CONSTRAINT top_up_amount_nano_check CHECK (amount_nano > 0),
            refunded_nano bigint NOT NULL DEFAULT 0,
            source text NOT NULL CONSTRAINT top_up_source_check CHECK (length(source) BETWEEN 1 AND 40),
            source_id text NOT NULL CONSTRAINT top_up_source_id_check CHECK (length(source_id) BETWEEN 1 AND 200),
            created_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT top_up_pkey PRIMARY KEY (id),
            CONSTRAINT top_up_source_source_id_key UNIQUE (source, source_id),
            CONSTRAINT top_up_refunded_nano_check CHECK (refunded_nano BETWEEN 0 AND amount_nano)
        )
    """)
    op.execute("CREATE INDEX top_up_owner_id_idx ON top_up (owner_id, created_at)")
    booked("top_up")


def ledger(app: str) -> None:
    # No foreign key to the person: what was booked outlives them, under an id that means nothing any more.
    # An entry has one currency, so its postings need none of their own.
    op.execute("""
        CREATE TABLE ledger_entry (
            id uuid NOT NULL,
            owner_id uuid NOT NULL,
            kind text NOT NULL CONSTRAINT ledger_entry_kind_check CHECK (kind ~ '^[a-z_]{1,40}$'),
            source text NOT NULL CONSTRAINT ledger_entry_source_check CHECK (length(source) BETWEEN 1 AND 40),
            source_id text NOT NULL CONSTRAINT ledger_entry_source_id_check CHECK (length(source_id) BETWEEN 1 AND 240),
            currency text NOT NULL CONSTRAINT ledger_entry_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
            provider_usd_nano bigint NOT NULL DEFAULT 0
                CONSTRAINT ledger_entry_provider_usd_nano_check CHECK (provider_usd_nano >= 0),
            reverses_id uuid CONSTRAINT ledger_entry_reverses_id_fkey REFERENCES ledger_entry (id),
            note text NOT NULL DEFAULT '' CONSTRAINT ledger_entry_note_check CHECK (length(note) <= 300),
            at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT ledger_entry_pkey PRIMARY KEY (id),
            CONSTRAINT ledger_entry_source_source_id_kind_key UNIQUE (source, source_id, kind),
            CONSTRAINT ledger_entry_reverses_id_key UNIQUE (reverses_id)
        )
    """)
    op.execute("CREATE INDEX ledger_entry_owner_id_at_id_idx ON ledger_entry (owner_id, at, id)")
    append_only("ledger_entry", app)
    # Credit of a person is positive on `purchased` and `granted`, what they owe negative on `debt`; the other accounts
    # are the house's.
    op.execute("""
        CREATE TABLE ledger_posting (
            entry_id uuid NOT NULL CONSTRAINT ledger_posting_entry_id_fkey REFERENCES ledger_entry (id),
            number smallint NOT NULL,
            owner_id uuid NOT NULL,
            account text NOT NULL CONSTRAINT ledger_posting_account_check CHECK (account IN (
                'purchased', 'granted', 'debt', 'revenue', 'promotion', 'clearing', 'write_off')),
            grant_id uuid,
            amount_nano bigint NOT NULL CONSTRAINT ledger_posting_amount_nano_check CHECK (amount_nano <> 0),
            CONSTRAINT ledger_posting_pkey PRIMARY KEY (entry_id, number),
            CONSTRAINT ledger_posting_grant_check CHECK ((account = 'granted') = (grant_id IS NOT NULL))
        )
    """)
    op.execute("CREATE INDEX ledger_posting_owner_id_idx ON ledger_posting (owner_id, account)")
    append_only("ledger_posting", app)
    # Asked when the unit commits, in whatever scope it then is; the balance of an entry is no matter of who asks.
    op.execute("""
        CREATE FUNCTION ledger_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            entry uuid;
            scope text := current_setting('kontor.scope', true);
            postings bigint;
            total numeric;
        BEGIN
            IF TG_TABLE_NAME = 'ledger_entry' THEN entry := NEW.id; ELSE entry := NEW.entry_id; END IF;
            PERFORM set_config('kontor.scope', 'system', true);
            SELECT count(*), coalesce(sum(amount_nano), 0) INTO postings, total
            FROM ledger_posting WHERE entry_id = entry;
            PERFORM set_config('kontor.scope', coalesce(scope, ''), true);
            IF postings < 2 OR total <> 0 THEN
                RAISE EXCEPTION 'entry % has % postings with a sum of %', entry, postings, total
                    USING ERRCODE = '23514', CONSTRAINT = 'ledger_balanced';
            END IF;
            RETURN NULL;
        END $$
    """)
    for table in ("ledger_entry", "ledger_posting"):
        op.execute(f"""
            CREATE CONSTRAINT TRIGGER {table}_balanced AFTER INSERT ON {table}
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_balanced()
        """)


def holds(app: str) -> None:
    # One row for each run that was paid for, kept for as long as the ledger: it is what the entries are compared with.
    op.execute("""
        CREATE TABLE credit_hold (
            run_id uuid NOT NULL,
            owner_id uuid NOT NULL,
            currency text NOT NULL,
            amount_nano bigint NOT NULL CONSTRAINT credit_hold_amount_nano_check CHECK (amount_nano > 0),
            state text NOT NULL DEFAULT 'open'
                CONSTRAINT credit_hold_state_check CHECK (state IN ('open', 'settled', 'voided', 'expired')),
            charged_nano bigint NOT NULL DEFAULT 0
                CONSTRAINT credit_hold_charged_nano_check CHECK (charged_nano >= 0),
            released_nano bigint NOT NULL DEFAULT 0,
            provider_usd_nano bigint NOT NULL DEFAULT 0,
            is_estimated boolean NOT NULL DEFAULT false,
            created_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz NOT NULL,
            ended_at timestamptz,
            CONSTRAINT credit_hold_pkey PRIMARY KEY (run_id),
            CONSTRAINT credit_hold_released_check CHECK (released_nano BETWEEN 0 AND amount_nano),
            CONSTRAINT credit_hold_ended_check CHECK ((state = 'open') = (ended_at IS NULL)),
            CONSTRAINT credit_hold_charged_check CHECK (charged_nano = 0 OR state = 'settled')
        )
    """)
    op.execute("CREATE INDEX credit_hold_owner_id_idx ON credit_hold (owner_id) WHERE state = 'open'")
    op.execute("CREATE INDEX credit_hold_expires_at_idx ON credit_hold (expires_at) WHERE state = 'open'")
    booked("credit_hold")
    op.execute(f"REVOKE DELETE, TRUNCATE ON credit_hold FROM {app}")


def budgets() -> None:
    op.execute("""
        CREATE TABLE budget (
            id uuid NOT NULL,
            owner_id uuid NOT NULL CONSTRAINT budget_owner_id_fkey REFERENCES person (id) ON DELETE CASCADE,
            subject text NOT NULL CONSTRAINT budget_subject_check CHECK (subject IN ('person', 'project', 'key')),
            subject_id uuid NOT NULL,
            period text NOT NULL CONSTRAINT budget_period_check CHECK (period IN ('day', 'month', 'total')),
            currency text NOT NULL CONSTRAINT budget_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
            limit_nano bigint NOT NULL CONSTRAINT budget_limit_nano_check CHECK (limit_nano >= 0),
            is_stop boolean NOT NULL DEFAULT true,
            warn_percent smallint NOT NULL DEFAULT 80
                CONSTRAINT budget_warn_percent_check CHECK (warn_percent BETWEEN 1 AND 100),
            is_by_admin boolean NOT NULL DEFAULT false,
            timezone text NOT NULL DEFAULT 'UTC',
            period_from timestamptz NOT NULL,
            spent_nano bigint NOT NULL DEFAULT 0 CONSTRAINT budget_spent_nano_check CHECK (spent_nano >= 0),
            held_nano bigint NOT NULL DEFAULT 0 CONSTRAINT budget_held_nano_check CHECK (held_nano >= 0),
            warned_at timestamptz,
            version integer NOT NULL DEFAULT 1,
            created_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT budget_pkey PRIMARY KEY (id),
            CONSTRAINT budget_subject_period_key UNIQUE (subject, subject_id, period, is_by_admin)
        ) WITH (fillfactor = 70)
    """)
    op.execute("CREATE INDEX budget_owner_id_idx ON budget (owner_id)")
    booked("budget")
    op.execute("""
        CREATE TABLE budget_hold (
            run_id uuid NOT NULL,
            budget_id uuid NOT NULL
                CONSTRAINT budget_hold_budget_id_fkey REFERENCES budget (id) ON DELETE CASCADE,
            amount_nano bigint NOT NULL CONSTRAINT budget_hold_amount_nano_check CHECK (amount_nano >= 0),
            expires_at timestamptz NOT NULL,
            CONSTRAINT budget_hold_pkey PRIMARY KEY (run_id, budget_id)
        )
    """)
    op.execute("CREATE INDEX budget_hold_budget_id_idx ON budget_hold (budget_id)")
    op.execute("CREATE INDEX budget_hold_expires_at_idx ON budget_hold (expires_at)")
    force("budget_hold")
    op.execute("""
        CREATE POLICY budget_hold_system ON budget_hold
        USING (kontor_scope() = 'system') WITH CHECK (kontor_scope() = 'system')
    """)


def prices(app: str) -> None:
    # A version is never changed: only what became of it (review, decision) is written once.
    op.execute("""
        CREATE TABLE model_price (
            id uuid NOT NULL,
            provider text NOT NULL CONSTRAINT model_price_provider_check CHECK (length(provider) BETWEEN 1 AND 60),
            model text NOT NULL CONSTRAINT model_price_model_check CHECK (length(model) BETWEEN 1 AND 200),
            source text NOT NULL
                CONSTRAINT model_price_source_check CHECK (source IN ('bundled', 'feed', 'admin', 'provider')),
            state text NOT NULL
                CONSTRAINT model_price_state_check CHECK (state IN ('valid', 'review', 'rejected')),
            valid_from timestamptz NOT NULL,
            is_free boolean NOT NULL DEFAULT false,
            follows_feed boolean NOT NULL DEFAULT false,
            prices jsonb NOT NULL,
            findings jsonb NOT NULL DEFAULT '[]',
            created_by uuid,
            created_at timestamptz NOT NULL DEFAULT now(),
            decided_by uuid,
            decided_at timestamptz,
            CONSTRAINT model_price_pkey PRIMARY KEY (id)
        )
    """)
    op.execute("""
        CREATE INDEX model_price_model_idx ON model_price (model, provider, valid_from DESC) WHERE state = 'valid'
    """)
    op.execute("CREATE INDEX model_price_review_idx ON model_price (created_at, id) WHERE state = 'review'")
    op.execute("CREATE INDEX model_price_provider_model_idx ON model_price (provider, model, created_at)")
    of_the_house("model_price")
    op.execute(f"REVOKE DELETE, TRUNCATE ON model_price FROM {app}")
    op.execute("""
        CREATE FUNCTION model_price_keep() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' THEN
                IF OLD.state = 'review' AND NEW.state IN ('valid', 'rejected')
                    AND to_jsonb(NEW) - '{state,valid_from,decided_by,decided_at}'::text[]
                        = to_jsonb(OLD) - '{state,valid_from,decided_by,decided_at}'::text[]
                THEN
                    RETURN NEW;
                END IF;
            END IF;
            RAISE EXCEPTION 'a version of a price is decided on once and never changed' USING ERRCODE = '42501';
        END $$
    """)
    op.execute("""
        CREATE TRIGGER model_price_keep BEFORE UPDATE OR DELETE ON model_price
        FOR EACH ROW EXECUTE FUNCTION model_price_keep()
    """)
    op.execute("""
        CREATE TABLE price_feed (
            id uuid NOT NULL,
            source text NOT NULL CONSTRAINT price_feed_source_check CHECK (source IN ('bundled', 'feed')),
            fetched_at timestamptz NOT NULL DEFAULT now(),
            digest text,
            seen integer NOT NULL DEFAULT 0,
            added integer NOT NULL DEFAULT 0,
            held integer NOT NULL DEFAULT 0,
            error text CONSTRAINT price_feed_error_check CHECK (length(error) <= 500),
            names jsonb,
            CONSTRAINT price_feed_pkey PRIMARY KEY (id)
        )
    """)
    op.execute("CREATE INDEX price_feed_fetched_at_idx ON price_feed (fetched_at)")
    of_the_house("price_feed")


def exchange(app: str) -> None:
    # One day's reference rates are one row, so that one id names all that a cross rate was made of. Euro-based.
    op.execute("""
        CREATE TABLE exchange_day (
            id uuid NOT NULL,
            day date NOT NULL,
            source text NOT NULL CONSTRAINT exchange_day_source_check CHECK (source IN ('seed', 'ecb', 'admin')),
            rates jsonb NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT exchange_day_pkey PRIMARY KEY (id)
        )
    """)
    op.execute("CREATE UNIQUE INDEX exchange_day_day_source_key ON exchange_day (day, source) WHERE source <> 'admin'")
    op.execute("CREATE INDEX exchange_day_day_idx ON exchange_day (day, created_at)")
    of_the_house("exchange_day")
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON exchange_day FROM {app}")


def proofs(app: str) -> None:
    op.execute("""
        CREATE TABLE billing_proof (
            id uuid NOT NULL,
            at timestamptz NOT NULL DEFAULT now(),
            is_sound boolean NOT NULL,
            checked jsonb NOT NULL,
            findings jsonb NOT NULL,
            CONSTRAINT billing_proof_pkey PRIMARY KEY (id)
        )
    """)
    op.execute("CREATE INDEX billing_proof_at_idx ON billing_proof (at)")
    force("billing_proof")
    op.execute("""
        CREATE POLICY billing_proof_read ON billing_proof FOR SELECT USING (kontor_scope() IN ('system', 'admin'))
    """)
    op.execute("CREATE POLICY billing_proof_add ON billing_proof FOR INSERT WITH CHECK (kontor_scope() = 'system')")
    op.execute("CREATE POLICY billing_proof_sweep ON billing_proof FOR DELETE USING (kontor_scope() = 'system')")
    op.execute(f"REVOKE UPDATE, TRUNCATE ON billing_proof FROM {app}")


def force(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def of_the_house(table: str) -> None:
    """Everybody who is signed in may know it; administrators and jobs write it."""
    force(table)
    op.execute(f"CREATE POLICY {table}_read ON {table} FOR SELECT USING (kontor_scope() <> 'nobody')")
    op.execute(f"""
        CREATE POLICY {table}_write ON {table}
        USING (kontor_scope() IN ('system', 'admin')) WITH CHECK (kontor_scope() IN ('system', 'admin'))
    """)


def booked(table: str) -> None:
    """Its owner and administrators read it; only what keeps the books writes it."""
    force(table)
    op.execute(f"""
        CREATE POLICY {table}_owner ON {table} FOR SELECT
        USING (kontor_scope() = 'person' AND owner_id = kontor_user())
    """)
    op.execute(f"CREATE POLICY {table}_managed ON {table} FOR SELECT USING (kontor_scope() = 'admin')")
    op.execute(f"""
        CREATE POLICY {table}_books ON {table}
        USING (kontor_scope() = 'system') WITH CHECK (kontor_scope() = 'system')
    """)


def append_only(table: str, app: str) -> None:
    """No privilege, and a trigger for whoever has it."""
    booked(table)
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {app}")
    op.execute(f"""
        CREATE FUNCTION {table}_keep() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the ledger is only ever added to' USING ERRCODE = '42501';
        END $$
    """)
    op.execute(f"""
        CREATE TRIGGER {table}_keep BEFORE UPDATE OR DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION {table}_keep()
    """)
    op.execute(f"""
        CREATE TRIGGER {table}_keep_all BEFORE TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION {table}_keep()
    """)
