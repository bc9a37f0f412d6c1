"""Data keys of the vault; files, who they belong to and how much room they take."""

from alembic import context, op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MINE = "kontor_scope() = 'person' AND owner_id = kontor_user()"
SYSTEM = "kontor_scope() = 'system'"


def upgrade() -> None:
    app = context.config.attributes["app_role"]
    op.execute("SET LOCAL lock_timeout = '5s'")
    vault(app)
    usage()
    uploads()
    objects()
    garbage(app)


def vault(app: str) -> None:
    # No owner means the installation's own secrets. `wrapped` is nonce, data key and tag: 12 + 32 + 16.
    op.execute("""
        CREATE TABLE vault_key (
            id uuid NOT NULL,
            owner_id uuid,
            master_id text NOT NULL CONSTRAINT vault_key_master_id_check CHECK (length(master_id) = 16),
            wrapped bytea NOT NULL CONSTRAINT vault_key_wrapped_check CHECK (octet_length(wrapped) = 60),
            created_at timestamptz NOT NULL DEFAULT now(),
            rewrapped_at timestamptz,
            CONSTRAINT vault_key_pkey PRIMARY KEY (id),
            CONSTRAINT vault_key_owner_id_key UNIQUE NULLS NOT DISTINCT (owner_id)
        )
    """)
    op.execute("CREATE INDEX vault_key_master_id_id_idx ON vault_key (master_id, id)")
    force("vault_key")
    # People make and use their key; only the system wraps it anew or throws it away.
    op.execute(f"CREATE POLICY vault_key_mine ON vault_key FOR SELECT USING ({MINE})")
    op.execute(f"CREATE POLICY vault_key_make ON vault_key FOR INSERT WITH CHECK ({MINE})")
    # Administrators set the installation's secrets, such as the mail server's password, and nobody else's.
    installation = "kontor_scope() = 'admin' AND owner_id IS NULL"
    op.execute(f"CREATE POLICY vault_key_installation ON vault_key FOR SELECT USING ({installation})")
    op.execute(f"CREATE POLICY vault_key_make_installation ON vault_key FOR INSERT WITH CHECK ({installation})")
    op.execute(f"CREATE POLICY vault_key_system ON vault_key USING ({SYSTEM}) WITH CHECK ({SYSTEM})")
    op.execute("""
        CREATE TABLE vault_canary (
            id smallint NOT NULL DEFAULT 1 CONSTRAINT vault_canary_only_one_check CHECK (id = 1),
            sealed bytea NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT vault_canary_pkey PRIMARY KEY (id)
        )
    """)
    op.execute(f"REVOKE UPDATE ON vault_canary FROM {app}")
    force("vault_canary")
    op.execute(f"CREATE POLICY vault_canary_system ON vault_canary USING ({SYSTEM}) WITH CHECK ({SYSTEM})")


def usage() -> None:
    op.execute("""
        CREATE TABLE blob_usage (
            owner_id uuid NOT NULL,
            used_bytes bigint NOT NULL DEFAULT 0 CONSTRAINT blob_usage_used_bytes_check CHECK (used_bytes >= 0),
            reserved_bytes bigint NOT NULL DEFAULT 0
                CONSTRAINT blob_usage_reserved_bytes_check CHECK (reserved_bytes >= 0),
            quota_bytes bigint CONSTRAINT blob_usage_quota_bytes_check CHECK (quota_bytes >= 0),
            CONSTRAINT blob_usage_pkey PRIMARY KEY (owner_id)
        )
    """)
    force("blob_usage")
    op.execute(f"CREATE POLICY blob_usage_mine ON blob_usage USING ({MINE}) WITH CHECK ({MINE})")
    # How much room somebody takes is part of managing people; what it holds is not.
    managed = "kontor_scope() IN ('admin', 'system')"
    op.execute(f"CREATE POLICY blob_usage_managed ON blob_usage USING ({managed}) WITH CHECK ({managed})")
    op.execute("""
        CREATE FUNCTION blob_usage_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF kontor_scope() = 'person' AND NEW.quota_bytes IS DISTINCT FROM
                    (CASE WHEN TG_OP = 'UPDATE' THEN OLD.quota_bytes END) THEN
                RAISE EXCEPTION 'people do not set their own quota' USING ERRCODE = '42501';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER blob_usage_guard BEFORE INSERT OR UPDATE ON blob_usage
        FOR EACH ROW EXECUTE FUNCTION blob_usage_guard()
    """)


def uploads() -> None:
    # An upload under way: what it has reserved, where its bytes go, and when it was last heard of.
    op.execute("""
        CREATE TABLE blob_upload (
            id uuid NOT NULL,
            owner_id uuid NOT NULL,
            key text,
            reserved_bytes bigint NOT NULL CONSTRAINT blob_upload_reserved_bytes_check CHECK (reserved_bytes >= 0),
            started_at timestamptz NOT NULL DEFAULT now(),
            seen_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT blob_upload_pkey PRIMARY KEY (id),
            CONSTRAINT blob_upload_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES blob_usage (owner_id)
        )
    """)
    op.execute("CREATE INDEX blob_upload_owner_id_idx ON blob_upload (owner_id)")
    op.execute("CREATE INDEX blob_upload_seen_at_idx ON blob_upload (seen_at)")
    force("blob_upload")
    op.execute(f"CREATE POLICY blob_upload_mine ON blob_upload USING ({MINE}) WITH CHECK ({MINE})")
    op.execute(f"CREATE POLICY blob_upload_system ON blob_upload USING ({SYSTEM}) WITH CHECK ({SYSTEM})")


def objects() -> None:
    # One row per content and owner. Contents are never shared between owners, so nobody can learn from a faster
    # upload, a smaller bill or a delete that somebody else has the same file.
    op.execute("""
        CREATE TABLE blob_object (
            owner_id uuid NOT NULL,
            sha256 bytea NOT NULL CONSTRAINT blob_object_sha256_check CHECK (octet_length(sha256) = 32),
            size bigint NOT NULL CONSTRAINT blob_object_size_check CHECK (size >= 0),
            generation uuid NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT blob_object_pkey PRIMARY KEY (owner_id, sha256),
            CONSTRAINT blob_object_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES blob_usage (owner_id)
        )
    """)
    force("blob_object")
    op.execute(f"CREATE POLICY blob_object_mine ON blob_object USING ({MINE}) WITH CHECK ({MINE})")
    op.execute("CREATE POLICY blob_object_full ON blob_object FOR SELECT USING (kontor_scope() = 'full')")
    op.execute(f"CREATE POLICY blob_object_system ON blob_object USING ({SYSTEM}) WITH CHECK ({SYSTEM})")
    op.execute("""
        CREATE TABLE blob (
            id uuid NOT NULL,
            owner_id uuid NOT NULL,
            sha256 bytea NOT NULL,
            name text NOT NULL CONSTRAINT blob_name_check CHECK (length(name) BETWEEN 1 AND 255),
            media_type text NOT NULL CONSTRAINT blob_media_type_check CHECK (length(media_type) BETWEEN 3 AND 127),
            created_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT blob_pkey PRIMARY KEY (id),
            CONSTRAINT blob_owner_id_id_key UNIQUE (owner_id, id),
            CONSTRAINT blob_owner_id_sha256_fkey FOREIGN KEY (owner_id, sha256)
                REFERENCES blob_object (owner_id, sha256)
        )
    """)
    op.execute("CREATE INDEX blob_owner_id_sha256_idx ON blob (owner_id, sha256)")
    force("blob")
    op.execute(f"CREATE POLICY blob_mine ON blob USING ({MINE}) WITH CHECK ({MINE})")
    op.execute("CREATE POLICY blob_full ON blob FOR SELECT USING (kontor_scope() = 'full')")
    op.execute(f"CREATE POLICY blob_system ON blob USING ({SYSTEM}) WITH CHECK ({SYSTEM})")
    # What a row points at never changes: a new content is a new object. (UPDATE stays granted, for row locks need it.)
    op.execute("""
        CREATE FUNCTION blob_object_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the content of a file does not change' USING ERRCODE = '42501';
        END $$
    """)
    op.execute("""
        CREATE TRIGGER blob_object_guard BEFORE UPDATE ON blob_object
        FOR EACH ROW EXECUTE FUNCTION blob_object_guard()
    """)


def garbage(app: str) -> None:
    # Objects to delete from the store, written in the transaction that made them superfluous.
    op.execute("""
        CREATE TABLE blob_garbage (
            key text NOT NULL,
            owner_id uuid NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT blob_garbage_pkey PRIMARY KEY (key)
        )
    """)
    op.execute("CREATE INDEX blob_garbage_created_at_idx ON blob_garbage (created_at)")
    op.execute(f"REVOKE UPDATE ON blob_garbage FROM {app}")
    # Whoever deletes a content, by whatever way, leaves its key here: the form is that of `core.blobs.store.Key`.
    op.execute("""
        CREATE FUNCTION blob_object_thrown_away() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE digest text := encode(OLD.sha256, 'hex');
        BEGIN
            INSERT INTO blob_garbage (key, owner_id) VALUES (
                'objects/' || replace(OLD.owner_id::text, '-', '') || '/' || left(digest, 2) || '/' || digest || '.'
                || replace(OLD.generation::text, '-', ''), OLD.owner_id
            );
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER blob_object_thrown_away AFTER DELETE ON blob_object
        FOR EACH ROW EXECUTE FUNCTION blob_object_thrown_away()
    """)
    force("blob_garbage")
    # A key names its owner, so that nobody can have a stranger's file thrown away.
    named = "split_part(key, '/', 2) = replace(owner_id::text, '-', '')"
    op.execute(f"CREATE POLICY blob_garbage_throw ON blob_garbage FOR INSERT WITH CHECK ({MINE} AND {named})")
    op.execute(f"CREATE POLICY blob_garbage_system ON blob_garbage USING ({SYSTEM}) WITH CHECK ({SYSTEM})")


def force(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
