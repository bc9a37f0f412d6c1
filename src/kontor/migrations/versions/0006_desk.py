"""The desk that follows a person from device to device, what is brought to their notice, and a guard."""

from alembic import context, op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    desk()
    notifications()
    configuration(context.config.attributes["app_role"])


def desk() -> None:
    # One row per person: tabs are read and written together, and always by their owner alone. Titles of tabs are
    # content, so neither the machinery nor an administrator's scope reads them.
    op.execute("""
        CREATE TABLE desk (
            owner_id uuid NOT NULL CONSTRAINT desk_owner_id_fkey REFERENCES person (id) ON DELETE CASCADE,
            layout jsonb NOT NULL CONSTRAINT desk_layout_check
                CHECK (jsonb_typeof(layout) = 'object' AND pg_column_size(layout) <= 262144),
            version integer NOT NULL DEFAULT 1,
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT desk_pkey PRIMARY KEY (owner_id)
        )
    """)
    force("desk")
    op.execute("""
        CREATE POLICY desk_owner ON desk
        USING (kontor_scope() = 'person' AND owner_id = kontor_user())
        WITH CHECK (kontor_scope() = 'person' AND owner_id = kontor_user())
    """)


def notifications() -> None:
    op.execute("""
        CREATE TABLE notification (
            id uuid NOT NULL,
            owner_id uuid NOT NULL CONSTRAINT notification_owner_id_fkey REFERENCES person (id) ON DELETE CASCADE,
            kind text NOT NULL CONSTRAINT notification_kind_check CHECK (kind ~ '^[a-z_]+([.][a-z_]+)+$'),
            data jsonb NOT NULL DEFAULT '{}' CONSTRAINT notification_data_check
                CHECK (jsonb_typeof(data) = 'object' AND pg_column_size(data) <= 8192),
            created_at timestamptz NOT NULL DEFAULT now(),
            read_at timestamptz,
            CONSTRAINT notification_pkey PRIMARY KEY (id)
        )
    """)
    op.execute("CREATE INDEX notification_owner_id_created_at_id_idx ON notification (owner_id, created_at, id)")
    op.execute("CREATE INDEX notification_created_at_idx ON notification (created_at)")
    force("notification")
    op.execute("""
        CREATE POLICY notification_owner_read ON notification FOR SELECT
        USING (kontor_scope() = 'person' AND owner_id = kontor_user())
    """)
    op.execute("""
        CREATE POLICY notification_owner_mark ON notification FOR UPDATE
        USING (kontor_scope() = 'person' AND owner_id = kontor_user())
        WITH CHECK (kontor_scope() = 'person' AND owner_id = kontor_user())
    """)
    # Others may put something into the box, and only the owner looks into it.
    op.execute("""
        CREATE POLICY notification_put ON notification FOR INSERT
        WITH CHECK (kontor_scope() IN ('system', 'admin', 'full') OR owner_id = kontor_user())
    """)
    op.execute("""
        CREATE POLICY notification_sweep ON notification FOR DELETE USING (kontor_scope() = 'system')
    """)
    op.execute("""
        CREATE POLICY notification_sweep_read ON notification FOR SELECT USING (kontor_scope() = 'system')
    """)


def configuration(app: str) -> None:
    # One row that everybody reads. A person's own unit never writes it, whatever a route forgot to check.
    op.execute(f"REVOKE INSERT, DELETE, TRUNCATE ON installation FROM {app}")
    op.execute("""
        CREATE FUNCTION installation_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF kontor_scope() NOT IN ('admin', 'system') THEN
                RAISE EXCEPTION 'only administrators change the installation' USING ERRCODE = '42501';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER installation_guard BEFORE UPDATE ON installation
        FOR EACH ROW EXECUTE FUNCTION installation_guard()
    """)


def force(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
