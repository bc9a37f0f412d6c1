"""How models count tokens, learned from what providers said they had counted."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

SYSTEM = "kontor_scope() = 'system'"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # Sums over everybody's questions: nothing in it belongs to anybody, and nobody but the estimator needs it.
    op.execute("""
        CREATE TABLE token_ratio (
            model_name text NOT NULL CONSTRAINT token_ratio_model_name_check CHECK (length(model_name) <= 300),
            writing text NOT NULL CONSTRAINT token_ratio_writing_check CHECK (length(writing) BETWEEN 1 AND 20),
            seen integer NOT NULL CONSTRAINT token_ratio_seen_check CHECK (seen > 0),
            mean double precision NOT NULL,
            squares double precision NOT NULL CONSTRAINT token_ratio_squares_check CHECK (squares >= 0),
            updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            CONSTRAINT token_ratio_pkey PRIMARY KEY (model_name, writing)
        )
    """)
    op.execute("ALTER TABLE token_ratio ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE token_ratio FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY token_ratio_system ON token_ratio USING ({SYSTEM}) WITH CHECK ({SYSTEM})")
