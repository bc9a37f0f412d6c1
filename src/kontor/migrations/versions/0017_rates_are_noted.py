"""Whether exchange rates could be fetched is noted, as it is of prices."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # The table has one row for each day's list.
    op.execute("ALTER TABLE price_feed DROP CONSTRAINT price_feed_source_check")
    op.execute("""
        ALTER TABLE price_feed
            ADD CONSTRAINT price_feed_source_check CHECK (source IN ('bundled', 'feed', 'rates'))
    """)
