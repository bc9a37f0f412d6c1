"""Managers hear that somebody has changed, in a topic of their own."""

from alembic import op

revision = "0008"
down_revision = "0007"
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
            )
        """)
