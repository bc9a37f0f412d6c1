"""People, how they sign in, what they set, and the record of what was done."""

from alembic import context, op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    app = context.config.attributes["app_role"]
    op.execute("SET LOCAL lock_timeout = '5s'")
    people()
    sessions()
    sign_in()
    settings()
    audit(app)


def people() -> None:
    # `email_key` is the address as it is compared (case-folded, NFC, ASCII domain); `email` as it was written.
    op.execute("""
        CREATE TABLE person (
            id uuid NOT NULL,
            email text CONSTRAINT person_email_check CHECK (length(email) BETWEEN 3 AND 254),
            email_key text CONSTRAINT person_email_key_check CHECK (length(email_key) BETWEEN 3 AND 320),
            name text NOT NULL CONSTRAINT person_name_check CHECK (length(name) BETWEEN 1 AND 120),
            role text NOT NULL CONSTRAINT person_role_check CHECK (role IN ('user', 'manager', 'admin')),
            state text NOT NULL CONSTRAINT person_state_check
                CHECK (state IN ('active', 'invited', 'unverified', 'waiting', 'suspended')),
            language text NOT NULL DEFAULT 'en' CONSTRAINT person_language_check CHECK (language IN ('de', 'en')),
            must_set_up boolean NOT NULL DEFAULT false,
            email_verified_at timestamptz,
            suspended_at timestamptz,
            suspended_reason text CONSTRAINT person_suspended_reason_check CHECK (length(suspended_reason) <= 500),
            last_seen_at timestamptz,
            version integer NOT NULL DEFAULT 1,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT person_pkey PRIMARY KEY (id),
            CONSTRAINT person_email_key_key UNIQUE (email_key),
            CONSTRAINT person_email_pair_check CHECK ((email IS NULL) = (email_key IS NULL)),
            CONSTRAINT person_verified_check CHECK (email IS NOT NULL OR email_verified_at IS NULL)
        )
    """)
    op.execute("CREATE INDEX person_created_at_id_idx ON person (created_at, id)")
    op.execute("CREATE INDEX person_role_idx ON person (role) WHERE role <> 'user'")
    force("person")
    op.execute("""
        CREATE POLICY person_self_read ON person FOR SELECT
        USING (kontor_scope() = 'person' AND id = kontor_user())
    """)
    op.execute("""
        CREATE POLICY person_self_write ON person FOR UPDATE
        USING (kontor_scope() = 'person' AND id = kontor_user())
        WITH CHECK (kontor_scope() = 'person' AND id = kontor_user())
    """)
    op.execute("""
        CREATE POLICY person_managed ON person
        USING (kontor_scope() IN ('system', 'admin')) WITH CHECK (kontor_scope() IN ('system', 'admin'))
    """)
    op.execute("CREATE POLICY person_full ON person FOR SELECT USING (kontor_scope() = 'full')")
    # The policies cannot tell columns apart: nobody raises themselves, whatever a route forgot to check. Managers work
    # in the same scope as administrators, but on ordinary people alone.
    op.execute("""
        CREATE FUNCTION person_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF kontor_scope() = 'person' AND (
                NEW.id, NEW.role, NEW.state, NEW.email, NEW.email_key, NEW.email_verified_at, NEW.must_set_up,
                NEW.suspended_at, NEW.created_at
            ) IS DISTINCT FROM (
                OLD.id, OLD.role, OLD.state, OLD.email, OLD.email_key, OLD.email_verified_at, OLD.must_set_up,
                OLD.suspended_at, OLD.created_at
            ) THEN
                RAISE EXCEPTION 'a person does not change their own standing' USING ERRCODE = '42501';
            END IF;
            IF kontor_scope() = 'admin' AND (OLD.role <> 'user' OR NEW.role <> 'user') AND NOT EXISTS (
                SELECT FROM person WHERE id = kontor_user() AND role = 'admin'
            ) THEN
                RAISE EXCEPTION 'only administrators change the standing of whoever is more than a user'
                    USING ERRCODE = '42501';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER person_guard BEFORE UPDATE ON person FOR EACH ROW EXECUTE FUNCTION person_guard()
    """)
    # Apart from `person`, so that managing people never reads a hash.
    op.execute("""
        CREATE TABLE password (
            owner_id uuid NOT NULL CONSTRAINT password_owner_id_fkey REFERENCES person (id) ON DELETE CASCADE,
            hash text NOT NULL CONSTRAINT password_hash_check CHECK (hash LIKE '$argon2id$%' AND length(hash) <= 300),
            changed_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT password_pkey PRIMARY KEY (owner_id)
        )
    """)
    private("password")


def sessions() -> None:
    # A session is also the family of its refresh tokens: ending the row ends them all.
    # Full access hangs on the session that switched it on, so that no other key of the administrator carries it.
    op.execute("""
        CREATE TABLE session (
            id uuid NOT NULL,
            owner_id uuid NOT NULL CONSTRAINT session_owner_id_fkey REFERENCES person (id) ON DELETE CASCADE,
            kind text NOT NULL CONSTRAINT session_kind_check CHECK (kind IN ('browser', 'api', 'link')),
            cookie_hash bytea CONSTRAINT session_cookie_hash_check CHECK (length(cookie_hash) = 32),
            client text NOT NULL DEFAULT '' CONSTRAINT session_client_check CHECK (length(client) <= 300),
            address text CONSTRAINT session_address_check CHECK (length(address) <= 64),
            idle_seconds integer NOT NULL CONSTRAINT session_idle_seconds_check CHECK (idle_seconds > 0),
            created_at timestamptz NOT NULL DEFAULT now(),
            last_seen_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz NOT NULL,
            expires_at_latest timestamptz NOT NULL,
            ended_at timestamptz,
            ended_reason text CONSTRAINT session_ended_reason_check CHECK (ended_reason IN (
                'logout', 'ended', 'password', 'suspended', 'role', 'reuse', 'deleted')),
            full_access_until timestamptz,
            full_access_reason text CONSTRAINT session_full_access_reason_check
                CHECK (length(full_access_reason) BETWEEN 1 AND 500),
            CONSTRAINT session_pkey PRIMARY KEY (id),
            CONSTRAINT session_owner_id_id_key UNIQUE (owner_id, id),
            CONSTRAINT session_cookie_hash_key UNIQUE (cookie_hash),
            CONSTRAINT session_expiry_check CHECK (expires_at <= expires_at_latest),
            CONSTRAINT session_ended_check CHECK ((ended_at IS NULL) = (ended_reason IS NULL)),
            CONSTRAINT session_full_access_check CHECK ((full_access_until IS NULL) = (full_access_reason IS NULL))
        )
    """)
    op.execute("CREATE INDEX session_owner_id_last_seen_at_idx ON session (owner_id, last_seen_at)")
    op.execute("CREATE INDEX session_expires_at_idx ON session (expires_at)")
    force("session")
    op.execute("""
        CREATE POLICY session_owner_read ON session FOR SELECT
        USING (kontor_scope() = 'person' AND owner_id = kontor_user())
    """)
    op.execute("""
        CREATE POLICY session_owner_end ON session FOR UPDATE
        USING (kontor_scope() = 'person' AND owner_id = kontor_user())
        WITH CHECK (kontor_scope() = 'person' AND owner_id = kontor_user())
    """)
    op.execute("""
        CREATE POLICY session_sign_in ON session
        USING (kontor_scope() = 'system') WITH CHECK (kontor_scope() = 'system')
    """)
    op.execute("CREATE POLICY session_managed_read ON session FOR SELECT USING (kontor_scope() = 'admin')")
    op.execute("""
        CREATE POLICY session_managed_end ON session FOR UPDATE
        USING (kontor_scope() = 'admin') WITH CHECK (kontor_scope() = 'admin')
    """)
    # A dead session stays dead, nobody's session is taken over by whoever manages people, and full access is given by
    # an administrator's unit to a session of their own. Ending it is for everybody who may end the session.
    op.execute("""
        CREATE FUNCTION session_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.ended_at IS NOT NULL AND NEW.ended_at IS NULL THEN
                RAISE EXCEPTION 'an ended session does not come back' USING ERRCODE = '42501';
            END IF;
            IF kontor_scope() = 'system' THEN
                RETURN NEW;
            END IF;
            IF (NEW.id, NEW.owner_id, NEW.kind, NEW.cookie_hash, NEW.created_at, NEW.expires_at_latest)
                IS DISTINCT FROM
                (OLD.id, OLD.owner_id, OLD.kind, OLD.cookie_hash, OLD.created_at, OLD.expires_at_latest)
            THEN
                RAISE EXCEPTION 'a session is only ended' USING ERRCODE = '42501';
            END IF;
            IF NEW.full_access_until IS NOT NULL
                AND (NEW.full_access_until, NEW.full_access_reason)
                    IS DISTINCT FROM (OLD.full_access_until, OLD.full_access_reason)
                AND NOT (kontor_scope() = 'admin' AND NEW.owner_id = kontor_user() AND EXISTS (
                    SELECT FROM person WHERE id = kontor_user() AND role = 'admin'
                ))
            THEN
                RAISE EXCEPTION 'full access is an administrator''s own' USING ERRCODE = '42501';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER session_guard BEFORE UPDATE ON session FOR EACH ROW EXECUTE FUNCTION session_guard()
    """)
    op.execute("""
        CREATE TABLE refresh_token (
            hash bytea NOT NULL CONSTRAINT refresh_token_hash_check CHECK (length(hash) = 32),
            owner_id uuid NOT NULL,
            session_id uuid NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            used_at timestamptz,
            CONSTRAINT refresh_token_pkey PRIMARY KEY (hash),
            CONSTRAINT refresh_token_owner_id_session_id_fkey FOREIGN KEY (owner_id, session_id)
                REFERENCES session (owner_id, id) ON DELETE CASCADE
        )
    """)
    op.execute("CREATE INDEX refresh_token_session_id_idx ON refresh_token (owner_id, session_id)")
    private("refresh_token")


def sign_in() -> None:
    op.execute("""
        CREATE TABLE one_time_token (
            hash bytea NOT NULL CONSTRAINT one_time_token_hash_check CHECK (length(hash) = 32),
            owner_id uuid NOT NULL CONSTRAINT one_time_token_owner_id_fkey REFERENCES person (id) ON DELETE CASCADE,
            purpose text NOT NULL CONSTRAINT one_time_token_purpose_check
                CHECK (purpose IN ('link', 'verify', 'reset', 'invite')),
            email text CONSTRAINT one_time_token_email_check CHECK (length(email) <= 254),
            created_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz NOT NULL,
            used_at timestamptz,
            CONSTRAINT one_time_token_pkey PRIMARY KEY (hash)
        )
    """)
    op.execute("CREATE INDEX one_time_token_owner_id_purpose_idx ON one_time_token (owner_id, purpose)")
    op.execute("CREATE INDEX one_time_token_expires_at_idx ON one_time_token (expires_at)")
    private("one_time_token")
    # What a sign-in in two steps remembers between them (passkeys, OpenID Connect); taken by DELETE, so once.
    op.execute("""
        CREATE TABLE challenge (
            hash bytea NOT NULL CONSTRAINT challenge_hash_check CHECK (length(hash) = 32),
            owner_id uuid CONSTRAINT challenge_owner_id_fkey REFERENCES person (id) ON DELETE CASCADE,
            purpose text NOT NULL CONSTRAINT challenge_purpose_check
                CHECK (purpose IN ('passkey_new', 'passkey_sign_in', 'oidc')),
            data jsonb NOT NULL DEFAULT '{}',
            expires_at timestamptz NOT NULL,
            CONSTRAINT challenge_pkey PRIMARY KEY (hash)
        )
    """)
    op.execute("CREATE INDEX challenge_owner_id_idx ON challenge (owner_id) WHERE owner_id IS NOT NULL")
    op.execute("CREATE INDEX challenge_expires_at_idx ON challenge (expires_at)")
    private("challenge")
    op.execute("""
        CREATE TABLE personal_token (
            id uuid NOT NULL,
            owner_id uuid NOT NULL CONSTRAINT personal_token_owner_id_fkey REFERENCES person (id) ON DELETE CASCADE,
            name text NOT NULL CONSTRAINT personal_token_name_check CHECK (length(name) BETWEEN 1 AND 120),
            hash bytea NOT NULL CONSTRAINT personal_token_hash_check CHECK (length(hash) = 32),
            ending text NOT NULL CONSTRAINT personal_token_ending_check CHECK (length(ending) = 4),
            scopes text[] NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz,
            last_used_at timestamptz,
            CONSTRAINT personal_token_pkey PRIMARY KEY (id),
            CONSTRAINT personal_token_hash_key UNIQUE (hash)
        )
    """)
    op.execute("CREATE INDEX personal_token_owner_id_idx ON personal_token (owner_id, created_at)")
    owned("personal_token")
    # The seed is sealed by the vault and bound to this row.
    op.execute("""
        CREATE TABLE totp (
            owner_id uuid NOT NULL CONSTRAINT totp_owner_id_fkey REFERENCES person (id) ON DELETE CASCADE,
            secret bytea NOT NULL CONSTRAINT totp_secret_check CHECK (length(secret) <= 1024),
            last_step bigint NOT NULL DEFAULT 0,
            created_at timestamptz NOT NULL DEFAULT now(),
            confirmed_at timestamptz,
            CONSTRAINT totp_pkey PRIMARY KEY (owner_id)
        )
    """)
    private("totp")
    op.execute("""
        CREATE TABLE recovery_code (
            owner_id uuid NOT NULL CONSTRAINT recovery_code_owner_id_fkey REFERENCES person (id) ON DELETE CASCADE,
            hash bytea NOT NULL CONSTRAINT recovery_code_hash_check CHECK (length(hash) = 32),
            used_at timestamptz,
            CONSTRAINT recovery_code_pkey PRIMARY KEY (owner_id, hash)
        )
    """)
    private("recovery_code")
    op.execute("""
        CREATE TABLE passkey (
            id uuid NOT NULL,
            owner_id uuid NOT NULL CONSTRAINT passkey_owner_id_fkey REFERENCES person (id) ON DELETE CASCADE,
            name text NOT NULL CONSTRAINT passkey_name_check CHECK (length(name) BETWEEN 1 AND 120),
            credential_id bytea NOT NULL CONSTRAINT passkey_credential_id_check
                CHECK (length(credential_id) BETWEEN 1 AND 1023),
            public_key bytea NOT NULL CONSTRAINT passkey_public_key_check CHECK (length(public_key) <= 2048),
            sign_count bigint NOT NULL DEFAULT 0,
            transports text[] NOT NULL DEFAULT '{}',
            created_at timestamptz NOT NULL DEFAULT now(),
            last_used_at timestamptz,
            CONSTRAINT passkey_pkey PRIMARY KEY (id),
            CONSTRAINT passkey_credential_id_key UNIQUE (credential_id)
        )
    """)
    op.execute("CREATE INDEX passkey_owner_id_idx ON passkey (owner_id)")
    owned("passkey")
    op.execute("""
        CREATE TABLE oidc_identity (
            issuer text NOT NULL CONSTRAINT oidc_identity_issuer_check CHECK (length(issuer) <= 500),
            subject text NOT NULL CONSTRAINT oidc_identity_subject_check CHECK (length(subject) BETWEEN 1 AND 255),
            owner_id uuid NOT NULL CONSTRAINT oidc_identity_owner_id_fkey REFERENCES person (id) ON DELETE CASCADE,
            created_at timestamptz NOT NULL DEFAULT now(),
            last_used_at timestamptz,
            CONSTRAINT oidc_identity_pkey PRIMARY KEY (issuer, subject)
        )
    """)
    op.execute("CREATE INDEX oidc_identity_owner_id_idx ON oidc_identity (owner_id)")
    private("oidc_identity")


def settings() -> None:
    op.execute("""
        CREATE TABLE person_settings (
            owner_id uuid NOT NULL CONSTRAINT person_settings_owner_id_fkey REFERENCES person (id) ON DELETE CASCADE,
            language text NOT NULL DEFAULT 'system'
                CONSTRAINT person_settings_language_check CHECK (language IN ('de', 'en', 'system')),
            timezone text NOT NULL DEFAULT 'UTC'
                CONSTRAINT person_settings_timezone_check CHECK (length(timezone) BETWEEN 1 AND 64),
            currency text NOT NULL DEFAULT 'EUR'
                CONSTRAINT person_settings_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
            theme text NOT NULL DEFAULT 'system'
                CONSTRAINT person_settings_theme_check CHECK (theme IN ('light', 'dark', 'system')),
            text_size smallint NOT NULL DEFAULT 100
                CONSTRAINT person_settings_text_size_check CHECK (text_size IN (90, 100, 110, 125)),
            enter_sends boolean NOT NULL DEFAULT true,
            reduced_motion text NOT NULL DEFAULT 'system'
                CONSTRAINT person_settings_reduced_motion_check CHECK (reduced_motion IN ('system', 'on')),
            address_form text NOT NULL DEFAULT 'sie'
                CONSTRAINT person_settings_address_form_check CHECK (address_form IN ('sie', 'du')),
            notifications jsonb NOT NULL DEFAULT '{}',
            keys jsonb NOT NULL DEFAULT '{}',
            version integer NOT NULL DEFAULT 1,
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT person_settings_pkey PRIMARY KEY (owner_id)
        )
    """)
    owned("person_settings")


def audit(app: str) -> None:
    # No foreign keys: a line outlives the people and things it names. `owner_id` is whose affair it is.
    op.execute("""
        CREATE TABLE audit_line (
            id bigint GENERATED ALWAYS AS IDENTITY,
            at timestamptz NOT NULL DEFAULT now(),
            actor_id uuid,
            actor_name text CONSTRAINT audit_line_actor_name_check CHECK (length(actor_name) <= 120),
            actor_role text CONSTRAINT audit_line_actor_role_check CHECK (length(actor_role) <= 20),
            owner_id uuid,
            is_owner_visible boolean NOT NULL DEFAULT true,
            action text NOT NULL CONSTRAINT audit_line_action_check CHECK (action ~ '^[a-z_]+([.][a-z_]+)+$'),
            subject_kind text CONSTRAINT audit_line_subject_kind_check CHECK (length(subject_kind) <= 40),
            subject_id text CONSTRAINT audit_line_subject_id_check CHECK (length(subject_id) <= 100),
            subject_name text CONSTRAINT audit_line_subject_name_check CHECK (length(subject_name) <= 300),
            details jsonb NOT NULL DEFAULT '{}',
            address text CONSTRAINT audit_line_address_check CHECK (length(address) <= 64),
            request_id text CONSTRAINT audit_line_request_id_check CHECK (length(request_id) <= 64),
            CONSTRAINT audit_line_pkey PRIMARY KEY (id)
        )
    """)
    op.execute("CREATE INDEX audit_line_owner_id_id_idx ON audit_line (owner_id, id)")
    op.execute("CREATE INDEX audit_line_actor_id_id_idx ON audit_line (actor_id, id)")
    op.execute("CREATE INDEX audit_line_action_id_idx ON audit_line (action, id)")
    op.execute("CREATE INDEX audit_line_at_idx ON audit_line (at)")
    force("audit_line")
    op.execute("""
        CREATE POLICY audit_line_mine ON audit_line FOR SELECT USING (
            kontor_scope() = 'person' AND (actor_id = kontor_user() OR (owner_id = kontor_user() AND is_owner_visible))
        )
    """)
    op.execute("""
        CREATE POLICY audit_line_managed ON audit_line FOR SELECT USING (kontor_scope() IN ('system', 'admin', 'full'))
    """)
    op.execute("""
        CREATE POLICY audit_line_write ON audit_line FOR INSERT WITH CHECK (
            kontor_scope() = 'system' OR (kontor_scope() <> 'nobody' AND actor_id = kontor_user())
        )
    """)
    # Append-only three times over: no privilege, no policy, and a trigger for whoever has both.
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON audit_line FROM {app}")
    op.execute("""
        CREATE FUNCTION audit_line_keep() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the record is only ever added to' USING ERRCODE = '42501';
        END $$
    """)
    op.execute("""
        CREATE TRIGGER audit_line_keep BEFORE UPDATE OR DELETE ON audit_line
        FOR EACH ROW EXECUTE FUNCTION audit_line_keep()
    """)
    op.execute("""
        CREATE TRIGGER audit_line_keep_all BEFORE TRUNCATE ON audit_line
        FOR EACH STATEMENT EXECUTE FUNCTION audit_line_keep()
    """)


def force(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def private(table: str) -> None:
    """Only the machinery of signing in touches it; the person's own routes go through that too."""
    force(table)
    op.execute(f"""
        CREATE POLICY {table}_sign_in ON {table}
        USING (kontor_scope() = 'system') WITH CHECK (kontor_scope() = 'system')
    """)


def owned(table: str) -> None:
    """The owner keeps it; the machinery of signing in reads and writes it too."""
    private(table)
    op.execute(f"""
        CREATE POLICY {table}_owner ON {table}
        USING (kontor_scope() = 'person' AND owner_id = kontor_user())
        WITH CHECK (kontor_scope() = 'person' AND owner_id = kontor_user())
    """)
