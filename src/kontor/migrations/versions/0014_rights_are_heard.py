"""Every process hears when a personal token or its owner's standing changes, whoever changes it."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # In the tables and not in the program, so that no way to change them can forget it.
    op.execute("""
        CREATE FUNCTION tell_rights() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_TABLE_NAME = 'person' THEN
                PERFORM pg_notify('kontor_rights', OLD.id::text);
            ELSE
                PERFORM pg_notify('kontor_rights', OLD.owner_id::text);
            END IF;
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER person_rights AFTER UPDATE ON person FOR EACH ROW
        WHEN ((OLD.role, OLD.state) IS DISTINCT FROM (NEW.role, NEW.state)) EXECUTE FUNCTION tell_rights()
    """)
    op.execute("""
        CREATE TRIGGER personal_token_rights AFTER UPDATE ON personal_token FOR EACH ROW
        WHEN ((OLD.owner_id, OLD.hash, OLD.scopes, OLD.expires_at)
            IS DISTINCT FROM (NEW.owner_id, NEW.hash, NEW.scopes, NEW.expires_at))
        EXECUTE FUNCTION tell_rights()
    """)
    # Also when its owner is deleted.
    op.execute("""
        CREATE TRIGGER personal_token_gone AFTER DELETE ON personal_token FOR EACH ROW EXECUTE FUNCTION tell_rights()
    """)
