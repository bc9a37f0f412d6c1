"""What is kept in a cache for an hour and what was drawn are counted by themselves in a line of usage."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # With a constant default PostgreSQL notes it once for all rows there are and writes none of them anew. Lines of
    # before keep both in the class that they are a kind of: a line that was written is not changed.
    op.execute("""
        ALTER TABLE usage_line
            ADD COLUMN cache_write_1h_tokens bigint NOT NULL DEFAULT 0,
            ADD COLUMN image_out_tokens bigint NOT NULL DEFAULT 0
    """)
