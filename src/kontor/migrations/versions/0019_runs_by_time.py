"""The runs of everybody in a time: for the errors of the house."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # Runs are written in the order of their time, so a few bytes for each stretch of the table find them, and beginning
    # a run costs no more than before.
    op.execute("CREATE INDEX run_accepted_at_idx ON run USING brin (accepted_at) WITH (autosummarize = on)")
