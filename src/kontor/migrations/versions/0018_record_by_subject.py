"""The record is found by what a line is about: without this, each question reads all of it."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("CREATE INDEX audit_line_subject_id_id_idx ON audit_line (subject_id, id) WHERE subject_id IS NOT NULL")
