"""The outbox: mails queued in the transaction that makes them necessary."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # `sealed` holds the values of the template: links in it open doors, so a dump must not show them.
    # No foreign key on the owner: a mail about a deletion outlives the person.
    op.execute("""
        CREATE TABLE mail (
            id uuid CONSTRAINT mail_pkey PRIMARY KEY,
            owner_id uuid,
            to_address text NOT NULL CONSTRAINT mail_to_address_check
                CHECK (length(to_address) <= 254 AND to_address !~ '[[:cntrl:][:space:]]'),
            template text NOT NULL CONSTRAINT mail_template_check CHECK (length(template) <= 40),
            language text NOT NULL CONSTRAINT mail_language_check CHECK (language IN ('de', 'en')),
            subject text NOT NULL CONSTRAINT mail_subject_check CHECK (length(subject) <= 200),
            sealed bytea NOT NULL CONSTRAINT mail_sealed_check CHECK (length(sealed) <= 16384),
            state text NOT NULL CONSTRAINT mail_state_check
                CHECK (state IN ('queued', 'sending', 'sent', 'failed', 'shown')),
            attempts integer NOT NULL DEFAULT 0 CONSTRAINT mail_attempts_check CHECK (attempts >= 0),
            error_code text CONSTRAINT mail_error_code_check CHECK (length(error_code) <= 100),
            error text CONSTRAINT mail_error_check CHECK (length(error) <= 500),
            message_id text NOT NULL CONSTRAINT mail_message_id_key UNIQUE,
            created_at timestamptz NOT NULL DEFAULT now(),
            attempted_at timestamptz,
            handed_at timestamptz,
            sent_at timestamptz,
            CONSTRAINT mail_sent_check CHECK ((state = 'sent') = (sent_at IS NOT NULL))
        )
    """)
    op.execute("CREATE INDEX mail_created_at_id_idx ON mail (created_at DESC, id DESC)")
    op.execute("CREATE INDEX mail_state_idx ON mail (state, created_at DESC) WHERE state <> 'sent'")
    op.execute("CREATE INDEX mail_owner_id_idx ON mail (owner_id) WHERE owner_id IS NOT NULL")
    op.execute("ALTER TABLE mail ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE mail FORCE ROW LEVEL SECURITY")
    # Whatever a person does may make a mail necessary; reading them is for the workers and for administrators.
    op.execute("CREATE POLICY mail_queue ON mail FOR INSERT WITH CHECK (kontor_scope() <> 'nobody')")
    op.execute("CREATE POLICY mail_read ON mail FOR SELECT USING (kontor_scope() IN ('system', 'admin'))")
    op.execute("""
        CREATE POLICY mail_change ON mail FOR UPDATE
        USING (kontor_scope() IN ('system', 'admin')) WITH CHECK (kontor_scope() IN ('system', 'admin'))
    """)
    op.execute("CREATE POLICY mail_sweep ON mail FOR DELETE USING (kontor_scope() = 'system')")
