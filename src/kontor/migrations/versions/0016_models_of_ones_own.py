"""The model that answers a person who names none, and the models they have marked."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("""
        ALTER TABLE person_settings
            ADD COLUMN default_model text,
            ADD COLUMN favourite_models jsonb NOT NULL DEFAULT '[]'
    """)
