"""A topic for everybody who is signed in. It says that something has changed, and never what."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("event", "event_horizon"):
        op.execute(f"""
            ALTER POLICY {table}_read ON {table} USING (
                owner_id = kontor_user()
                OR kontor_scope() = 'system'
                OR (topic IN ('admin', 'managers') AND kontor_scope() IN ('admin', 'full'))
                OR (topic = 'everyone' AND kontor_scope() IN ('person', 'admin', 'full'))
            )
        """)
    # Anybody who is somebody may publish. What all may read holds nothing, whoever writes it.
    op.execute("""
        ALTER TABLE event ADD CONSTRAINT event_everyone_check
            CHECK (topic <> 'everyone' OR (owner_id IS NULL AND data = '{}')) NOT VALID
    """)
    op.execute("ALTER TABLE event VALIDATE CONSTRAINT event_everyone_check")
