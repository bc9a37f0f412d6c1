"""The end of a session, and full access that begins or ends, is heard as any other change of rights."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("""
        CREATE TRIGGER session_rights AFTER UPDATE ON session FOR EACH ROW
        WHEN ((OLD.ended_at, OLD.full_access_until) IS DISTINCT FROM (NEW.ended_at, NEW.full_access_until))
        EXECUTE FUNCTION tell_rights()
    """)
    op.execute("CREATE TRIGGER session_gone AFTER DELETE ON session FOR EACH ROW EXECUTE FUNCTION tell_rights()")
