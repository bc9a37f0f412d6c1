"""Client addresses leave the record when they are old. The rest of a line stays as untouchable as it was."""

from alembic import context, op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    app = context.config.attributes["app_role"]
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("CREATE INDEX audit_line_address_idx ON audit_line (at) WHERE address IS NOT NULL")
    # Three walls again, each with the same narrow door: the one column, of old lines, to nothing.
    op.execute(f"GRANT UPDATE (address) ON audit_line TO {app}")
    op.execute("""
        CREATE POLICY audit_line_forget ON audit_line FOR UPDATE
        USING (kontor_scope() = 'system' AND at < now() - interval '7 days')
        WITH CHECK (address IS NULL)
    """)
    op.execute("""
        CREATE OR REPLACE FUNCTION audit_line_keep() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' THEN
                IF NEW.address IS NULL AND OLD.at < now() - interval '7 days'
                    AND to_jsonb(NEW) - 'address' = to_jsonb(OLD) - 'address'
                THEN
                    RETURN NEW;
                END IF;
            END IF;
            RAISE EXCEPTION 'the record is only ever added to' USING ERRCODE = '42501';
        END $$
    """)
