"""When the person behind a session last proved who they are, and the question that a passkey answers then."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # Null for the sessions that are open already: they are asked at their first sensitive change.
    op.execute("ALTER TABLE session ADD COLUMN proved_at timestamptz")
    # Only the machinery of signing in says so: whoever holds the session alone must not.
    op.execute("""
        CREATE FUNCTION session_proof_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF kontor_scope() <> 'system' THEN
                RAISE EXCEPTION 'a session does not prove itself' USING ERRCODE = '42501';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER session_proof_guard BEFORE UPDATE ON session FOR EACH ROW
        WHEN (NEW.proved_at IS DISTINCT FROM OLD.proved_at) EXECUTE FUNCTION session_proof_guard()
    """)
    op.execute("ALTER TABLE challenge DROP CONSTRAINT challenge_purpose_check")
    op.execute("""
        ALTER TABLE challenge ADD CONSTRAINT challenge_purpose_check
            CHECK (purpose IN ('passkey_new', 'passkey_sign_in', 'passkey_proof', 'oidc'))
    """)
