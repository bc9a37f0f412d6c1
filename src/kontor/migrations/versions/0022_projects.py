"""Folders and projects, whom they are shared with, and who may therefore do what in them."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

PERSON = "kontor_scope() = 'person'"
SYSTEM = "kontor_scope() = 'system'"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    folders()
    projects()
    access()
    shares()
    reckoning()
    guards()
    policies()
    neighbours()


def folders() -> None:
    # A tree belongs to one person: whatever stands in a folder is its owner's, whoever put it there. What is thrown
    # away together carries the id of what was thrown away, so that it comes back together.
    op.execute("""
        CREATE TABLE folder (
            id uuid NOT NULL,
            owner_id uuid NOT NULL CONSTRAINT folder_owner_id_fkey REFERENCES person (id) ON DELETE CASCADE,
            parent_id uuid CONSTRAINT folder_parent_id_check CHECK (parent_id <> id),
            name text NOT NULL CONSTRAINT folder_name_check CHECK (length(name) BETWEEN 1 AND 200),
            description text NOT NULL DEFAULT ''
                CONSTRAINT folder_description_check CHECK (length(description) <= 2000),
            colour text CONSTRAINT folder_colour_check CHECK (colour ~ '^[a-z]{1,20}$'),
            tags text[] NOT NULL DEFAULT '{}' CONSTRAINT folder_tags_check CHECK (cardinality(tags) <= 20),
            position bigint NOT NULL,
            archived_at timestamptz,
            trashed_at timestamptz,
            trashed_with uuid,
            version integer NOT NULL DEFAULT 1,
            created_by uuid,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            CONSTRAINT folder_pkey PRIMARY KEY (id),
            CONSTRAINT folder_owner_id_id_key UNIQUE (owner_id, id),
            CONSTRAINT folder_owner_id_parent_id_fkey FOREIGN KEY (owner_id, parent_id)
                REFERENCES folder (owner_id, id) ON DELETE SET NULL (parent_id),
            CONSTRAINT folder_trashed_check CHECK ((trashed_at IS NULL) = (trashed_with IS NULL))
        )
    """)
    op.execute("CREATE INDEX folder_parent_id_idx ON folder (parent_id)")
    op.execute("CREATE INDEX folder_trashed_at_idx ON folder (trashed_at) WHERE trashed_at IS NOT NULL")
    op.execute("CREATE INDEX folder_trashed_with_idx ON folder (trashed_with) WHERE trashed_with IS NOT NULL")
    force("folder")


def projects() -> None:
    op.execute("""
        CREATE TABLE project (
            id uuid NOT NULL,
            owner_id uuid NOT NULL CONSTRAINT project_owner_id_fkey REFERENCES person (id) ON DELETE CASCADE,
            folder_id uuid,
            kind text NOT NULL CONSTRAINT project_kind_check CHECK (kind ~ '^[a-z_]{1,40}$'),
            config jsonb NOT NULL CONSTRAINT project_config_check
                CHECK (jsonb_typeof(config) = 'object' AND config->>'kind' = kind AND pg_column_size(config) <= 65536),
            name text NOT NULL CONSTRAINT project_name_check CHECK (length(name) BETWEEN 1 AND 200),
            description text NOT NULL DEFAULT ''
                CONSTRAINT project_description_check CHECK (length(description) <= 2000),
            instructions text NOT NULL DEFAULT ''
                CONSTRAINT project_instructions_check CHECK (length(instructions) <= 50000),
            default_model text CONSTRAINT project_default_model_check CHECK (length(default_model) BETWEEN 1 AND 200),
            colour text CONSTRAINT project_colour_check CHECK (colour ~ '^[a-z]{1,20}$'),
            tags text[] NOT NULL DEFAULT '{}' CONSTRAINT project_tags_check CHECK (cardinality(tags) <= 20),
            position bigint NOT NULL,
            archived_at timestamptz,
            trashed_at timestamptz,
            trashed_with uuid,
            version integer NOT NULL DEFAULT 1,
            created_by uuid,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            CONSTRAINT project_pkey PRIMARY KEY (id),
            CONSTRAINT project_owner_id_id_key UNIQUE (owner_id, id),
            CONSTRAINT project_owner_id_folder_id_fkey FOREIGN KEY (owner_id, folder_id)
                REFERENCES folder (owner_id, id) ON DELETE SET NULL (folder_id),
            CONSTRAINT project_trashed_check CHECK ((trashed_at IS NULL) = (trashed_with IS NULL))
        )
    """)
    op.execute("CREATE INDEX project_folder_id_idx ON project (folder_id)")
    op.execute("CREATE INDEX project_trashed_at_idx ON project (trashed_at) WHERE trashed_at IS NOT NULL")
    op.execute("CREATE INDEX project_trashed_with_idx ON project (trashed_with) WHERE trashed_with IS NOT NULL")
    force("project")


def access() -> None:
    # Who may do what where, reckoned out: every policy about content asks these rows, by their primary key. A pin is a
    # person's own, and goes when they do.
    for thing in ("folder", "project"):
        op.execute(f"""
            CREATE TABLE {thing}_access (
                user_id uuid NOT NULL
                    CONSTRAINT {thing}_access_user_id_fkey REFERENCES person (id) ON DELETE CASCADE,
                {thing}_id uuid NOT NULL
                    CONSTRAINT {thing}_access_{thing}_id_fkey REFERENCES {thing} (id) ON DELETE CASCADE,
                role text NOT NULL
                    CONSTRAINT {thing}_access_role_check CHECK (role IN ('owner', 'editor', 'viewer')),
                pinned_at timestamptz,
                CONSTRAINT {thing}_access_pkey PRIMARY KEY (user_id, {thing}_id)
            )
        """)
        op.execute(f"CREATE INDEX {thing}_access_{thing}_id_idx ON {thing}_access ({thing}_id)")
        force(f"{thing}_access")
        op.execute(f"""
            CREATE POLICY {thing}_access_mine ON {thing}_access FOR SELECT USING ({PERSON} AND user_id = kontor_user())
        """)
        op.execute(f"CREATE POLICY {thing}_access_kept ON {thing}_access USING ({SYSTEM}) WITH CHECK ({SYSTEM})")


def shares() -> None:
    # An invitation is to an address. Whether somebody here has it is not said by what becomes of the row: until it is
    # accepted, one to nobody looks like any other.
    op.execute("""
        CREATE TABLE share (
            id uuid NOT NULL,
            owner_id uuid NOT NULL CONSTRAINT share_owner_id_fkey REFERENCES person (id) ON DELETE CASCADE,
            folder_id uuid,
            project_id uuid,
            email text NOT NULL CONSTRAINT share_email_check CHECK (length(email) BETWEEN 3 AND 254),
            email_key text NOT NULL CONSTRAINT share_email_key_check CHECK (length(email_key) BETWEEN 3 AND 320),
            user_id uuid CONSTRAINT share_user_id_fkey REFERENCES person (id) ON DELETE CASCADE,
            role text NOT NULL CONSTRAINT share_role_check CHECK (role IN ('editor', 'viewer')),
            state text NOT NULL DEFAULT 'pending'
                CONSTRAINT share_state_check CHECK (state IN ('pending', 'accepted', 'declined')),
            version integer NOT NULL DEFAULT 1,
            created_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            answered_at timestamptz,
            CONSTRAINT share_pkey PRIMARY KEY (id),
            CONSTRAINT share_subject_check CHECK (num_nonnulls(folder_id, project_id) = 1),
            CONSTRAINT share_owner_id_folder_id_fkey FOREIGN KEY (owner_id, folder_id)
                REFERENCES folder (owner_id, id) ON DELETE CASCADE,
            CONSTRAINT share_owner_id_project_id_fkey FOREIGN KEY (owner_id, project_id)
                REFERENCES project (owner_id, id) ON DELETE CASCADE,
            CONSTRAINT share_accepted_check CHECK ((state = 'accepted') = (user_id IS NOT NULL)),
            CONSTRAINT share_with_oneself_check CHECK (user_id <> owner_id)
        )
    """)
    for thing in ("folder", "project"):
        op.execute(f"""
            CREATE UNIQUE INDEX share_{thing}_id_email_key_key ON share ({thing}_id, email_key)
            WHERE {thing}_id IS NOT NULL
        """)
        op.execute(f"""
            CREATE UNIQUE INDEX share_{thing}_id_user_id_key ON share ({thing}_id, user_id)
            WHERE {thing}_id IS NOT NULL AND user_id IS NOT NULL
        """)
    op.execute("CREATE INDEX share_owner_id_created_at_idx ON share (owner_id, created_at, id)")
    op.execute("CREATE INDEX share_user_id_idx ON share (user_id) WHERE user_id IS NOT NULL")
    op.execute("CREATE INDEX share_email_key_idx ON share (email_key) WHERE state = 'pending'")
    op.execute("CREATE INDEX share_expires_at_idx ON share (expires_at) WHERE state <> 'accepted'")
    force("share")


def reckoning() -> None:
    # One tree is changed by one transaction at a time: whoever waits here sees, when it goes on, what the other did.
    op.execute("""
        CREATE FUNCTION lock_tree(owner uuid) RETURNS void LANGUAGE sql
        BEGIN ATOMIC
            SELECT pg_advisory_xact_lock(hashtextextended('kontor.tree ' || owner, 0));
        END
    """)
    # What somebody may is the most that any accepted share above gives them; in the trash only the owner is left. What
    # is and what shall be are compared by EXCEPT: nobody can tell beforehand how many there are, and whatever joins
    # them takes them for few and compares each with each.
    op.execute("""
        CREATE FUNCTION reckon_folder(root uuid) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            WITH RECURSIVE below AS (
                SELECT root AS id
                UNION
                SELECT f.id FROM below b JOIN folder f ON f.parent_id = b.id
            ), granted (id, user_id, role) AS (
                (
                    SELECT f.id, a.user_id, a.role FROM folder f JOIN folder_access a ON a.folder_id = f.parent_id
                    WHERE f.id = root AND a.role <> 'owner'
                    UNION
                    SELECT b.id, s.user_id, s.role FROM below b JOIN share s ON s.folder_id = b.id
                    WHERE s.state = 'accepted'
                )
                UNION
                SELECT f.id, g.user_id, g.role FROM granted g JOIN folder f ON f.parent_id = g.id
            ), wanted AS (
                SELECT f.id, f.owner_id AS user_id, 'owner' AS role FROM below b JOIN folder f ON f.id = b.id
                UNION ALL
                SELECT g.id, g.user_id, min(g.role) FROM granted g JOIN folder f ON f.id = g.id
                WHERE f.trashed_at IS NULL GROUP BY g.id, g.user_id
            ), present AS (
                SELECT a.folder_id AS id, a.user_id, a.role FROM below b JOIN folder_access a ON a.folder_id = b.id
            ), gone AS (
                DELETE FROM folder_access a
                USING (SELECT id, user_id FROM present EXCEPT SELECT id, user_id FROM wanted) lost
                WHERE a.user_id = lost.user_id AND a.folder_id = lost.id
            )
            INSERT INTO folder_access (folder_id, user_id, role)
            SELECT id, user_id, role FROM wanted EXCEPT SELECT id, user_id, role FROM present
            ON CONFLICT (user_id, folder_id) DO UPDATE SET role = excluded.role;

            PERFORM reckon_projects(ARRAY(
                WITH RECURSIVE below AS (
                    SELECT root AS id
                    UNION
                    SELECT f.id FROM below b JOIN folder f ON f.parent_id = b.id
                )
                SELECT p.id FROM below b JOIN project p ON p.folder_id = b.id
            ));
        END $$
    """)
    # `editor` comes before `viewer`, so the least word is the greater right.
    op.execute("""
        CREATE FUNCTION reckon_projects(ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            WITH granted AS (
                SELECT p.id, a.user_id, a.role FROM project p JOIN folder_access a ON a.folder_id = p.folder_id
                WHERE p.id = ANY(ids) AND p.trashed_at IS NULL AND a.role <> 'owner'
                UNION ALL
                SELECT p.id, s.user_id, s.role FROM project p JOIN share s ON s.project_id = p.id
                WHERE p.id = ANY(ids) AND p.trashed_at IS NULL AND s.state = 'accepted'
            ), wanted AS (
                SELECT id, owner_id AS user_id, 'owner' AS role FROM project WHERE id = ANY(ids)
                UNION ALL
                SELECT id, user_id, min(role) FROM granted GROUP BY id, user_id
            ), present AS (
                SELECT project_id AS id, user_id, role FROM project_access WHERE project_id = ANY(ids)
            ), gone AS (
                DELETE FROM project_access a
                USING (SELECT id, user_id FROM present EXCEPT SELECT id, user_id FROM wanted) lost
                WHERE a.user_id = lost.user_id AND a.project_id = lost.id
            )
            INSERT INTO project_access (project_id, user_id, role)
            SELECT id, user_id, role FROM wanted EXCEPT SELECT id, user_id, role FROM present
            ON CONFLICT (user_id, project_id) DO UPDATE SET role = excluded.role;
        END $$
    """)
    # In the tables and not in the program, so that no way to change them can forget it. Whose unit it is does not
    # matter: who may see what is no question of who asks.
    op.execute("""
        CREATE FUNCTION keep_access() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            scope text := current_setting('kontor.scope', true);
            changed record;
        BEGIN
            IF TG_OP = 'DELETE' THEN changed := OLD; ELSE changed := NEW; END IF;
            PERFORM lock_tree(changed.owner_id);
            PERFORM set_config('kontor.scope', 'system', true);
            CASE TG_TABLE_NAME
                WHEN 'folder' THEN PERFORM reckon_folder(changed.id);
                WHEN 'project' THEN PERFORM reckon_projects(ARRAY[changed.id]);
                ELSE
                    IF changed.folder_id IS NULL THEN PERFORM reckon_projects(ARRAY[changed.project_id]);
                    ELSE PERFORM reckon_folder(changed.folder_id);
                    END IF;
            END CASE;
            PERFORM set_config('kontor.scope', coalesce(scope, ''), true);
            RETURN NULL;
        END $$
    """)
    for thing, parent in (("folder", "parent_id"), ("project", "folder_id")):
        op.execute(f"""
            CREATE TRIGGER {thing}_access_new AFTER INSERT ON {thing} FOR EACH ROW EXECUTE FUNCTION keep_access()
        """)
        op.execute(f"""
            CREATE TRIGGER {thing}_access_moved AFTER UPDATE ON {thing} FOR EACH ROW
            WHEN (OLD.{parent} IS DISTINCT FROM NEW.{parent}) EXECUTE FUNCTION keep_access()
        """)
        # Of what is thrown away or brought back together only the uppermost: it reckons for all below it.
        op.execute(f"""
            CREATE TRIGGER {thing}_access_trashed AFTER UPDATE ON {thing} FOR EACH ROW
            WHEN (OLD.trashed_with IS DISTINCT FROM NEW.trashed_with
                AND NEW.id = coalesce(NEW.trashed_with, OLD.trashed_with))
            EXECUTE FUNCTION keep_access()
        """)
    # An invitation alone changes nothing.
    op.execute("""
        CREATE TRIGGER share_access_new AFTER INSERT ON share FOR EACH ROW
        WHEN (NEW.state = 'accepted') EXECUTE FUNCTION keep_access()
    """)
    op.execute("""
        CREATE TRIGGER share_access_changed AFTER UPDATE ON share FOR EACH ROW
        WHEN ((OLD.role, OLD.state, OLD.user_id) IS DISTINCT FROM (NEW.role, NEW.state, NEW.user_id)
            AND 'accepted' IN (OLD.state, NEW.state))
        EXECUTE FUNCTION keep_access()
    """)
    op.execute("""
        CREATE TRIGGER share_access_gone AFTER DELETE ON share FOR EACH ROW
        WHEN (OLD.state = 'accepted') EXECUTE FUNCTION keep_access()
    """)
    # Whoever reads along in a project is asked about at once.
    op.execute("""
        CREATE FUNCTION tell_access() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_notify('kontor_rights', OLD.user_id::text);
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER project_access_rights AFTER UPDATE ON project_access FOR EACH ROW
        WHEN (OLD.role IS DISTINCT FROM NEW.role) EXECUTE FUNCTION tell_access()
    """)
    op.execute("""
        CREATE TRIGGER project_access_gone AFTER DELETE ON project_access FOR EACH ROW EXECUTE FUNCTION tell_access()
    """)


def guards() -> None:
    # The policies cannot tell columns apart, nor what was from what shall be.
    for thing, parent in (("folder", "parent_id"), ("project", "folder_id")):
        op.execute(f"""
            CREATE FUNCTION {thing}_guard() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF (NEW.id, NEW.owner_id, NEW.created_by, NEW.created_at)
                    IS DISTINCT FROM (OLD.id, OLD.owner_id, OLD.created_by, OLD.created_at)
                THEN
                    RAISE EXCEPTION 'a {thing} stays whose it is' USING ERRCODE = '42501';
                END IF;
                IF kontor_scope() = 'person' AND OLD.owner_id <> kontor_user() THEN
                    IF (NEW.archived_at, NEW.trashed_at, NEW.trashed_with)
                        IS DISTINCT FROM (OLD.archived_at, OLD.trashed_at, OLD.trashed_with)
                    THEN
                        RAISE EXCEPTION 'only its owner puts a {thing} away' USING ERRCODE = '42501';
                    END IF;
                    IF NEW.{parent} IS DISTINCT FROM OLD.{parent} AND 2 <> (
                        SELECT count(*) FROM folder_access
                        WHERE user_id = kontor_user() AND folder_id IN (OLD.{parent}, NEW.{parent})
                            AND role = 'editor'
                    ) THEN
                        RAISE EXCEPTION 'a {thing} is moved between folders that one may edit' USING ERRCODE = '42501';
                    END IF;
                END IF;
                RETURN NEW;
            END $$
        """)  # noqa: S608 - our own words
        op.execute(f"""
            CREATE TRIGGER {thing}_guard BEFORE UPDATE ON {thing} FOR EACH ROW EXECUTE FUNCTION {thing}_guard()
        """)
    op.execute("""
        CREATE FUNCTION folder_no_cycle() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            scope text := current_setting('kontor.scope', true);
            is_below boolean;
        BEGIN
            -- Two moves into each other wait here, and the second sees what the first did.
            PERFORM lock_tree(NEW.owner_id);
            PERFORM set_config('kontor.scope', 'system', true);
            WITH RECURSIVE above AS (
                SELECT NEW.parent_id AS id
                UNION
                SELECT f.parent_id FROM above a JOIN folder f ON f.id = a.id WHERE f.parent_id IS NOT NULL
            )
            SELECT EXISTS (SELECT FROM above WHERE id = NEW.id) INTO is_below;
            PERFORM set_config('kontor.scope', coalesce(scope, ''), true);
            IF is_below THEN
                RAISE EXCEPTION 'a folder does not stand in itself'
                    USING ERRCODE = '23514', CONSTRAINT = 'folder_no_cycle';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER folder_no_cycle BEFORE UPDATE ON folder FOR EACH ROW
        WHEN (NEW.parent_id IS NOT NULL AND OLD.parent_id IS DISTINCT FROM NEW.parent_id)
        EXECUTE FUNCTION folder_no_cycle()
    """)
    # Whoever shares cannot say yes for the other.
    op.execute("""
        CREATE FUNCTION share_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF kontor_scope() <> 'system' AND (
                (NEW.id, NEW.owner_id, NEW.folder_id, NEW.project_id, NEW.email_key, NEW.user_id)
                    IS DISTINCT FROM (OLD.id, OLD.owner_id, OLD.folder_id, OLD.project_id, OLD.email_key, OLD.user_id)
                OR (NEW.state <> OLD.state AND NEW.state <> 'pending')
            ) THEN
                RAISE EXCEPTION 'an invitation is answered by whom it is for' USING ERRCODE = '42501';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute("CREATE TRIGGER share_guard BEFORE UPDATE ON share FOR EACH ROW EXECUTE FUNCTION share_guard()")


def policies() -> None:
    # By EXISTS, so that the planner may look one row up by its key or gather them all, whichever is less.
    for thing, parent in (("folder", "parent_id"), ("project", "folder_id")):
        mine = f"""
            SELECT FROM {thing}_access a WHERE a.user_id = kontor_user() AND a.{thing}_id = {thing}.id
        """
        editable = f"""
            SELECT FROM folder_access a WHERE a.user_id = kontor_user() AND a.folder_id = {thing}.{parent}
                AND a.role IN ('owner', 'editor')
        """
        op.execute(f"""
            CREATE POLICY {thing}_read ON {thing} FOR SELECT USING (
                ({PERSON} AND EXISTS ({mine})) OR kontor_scope() IN ('full', 'system')
            )
        """)
        # That the owner is that of the folder is held by the foreign key.
        op.execute(f"""
            CREATE POLICY {thing}_add ON {thing} FOR INSERT WITH CHECK (
                ({PERSON} AND (({parent} IS NULL AND owner_id = kontor_user()) OR EXISTS ({editable})))
                OR {SYSTEM}
            )
        """)
        op.execute(f"""
            CREATE POLICY {thing}_change ON {thing} FOR UPDATE USING (
                ({PERSON} AND EXISTS ({mine} AND a.role IN ('owner', 'editor'))) OR {SYSTEM}
            )
        """)
        op.execute(f"CREATE POLICY {thing}_erase ON {thing} FOR DELETE USING ({SYSTEM})")
    # By a proven address: whoever only claims one is shown nobody's invitations.
    op.execute(f"""
        CREATE POLICY share_read ON share FOR SELECT USING (
            ({PERSON} AND (
                owner_id = kontor_user() OR user_id = kontor_user()
                OR (state = 'pending' AND expires_at > now() AND email_key = (
                    SELECT p.email_key FROM person p WHERE p.id = kontor_user() AND p.email_verified_at IS NOT NULL
                ))
            )) OR kontor_scope() IN ('full', 'system')
        )
    """)  # noqa: S608
    op.execute(f"""
        CREATE POLICY share_invite ON share FOR INSERT WITH CHECK (
            ({PERSON} AND owner_id = kontor_user() AND state = 'pending' AND user_id IS NULL) OR {SYSTEM}
        )
    """)
    op.execute(f"""
        CREATE POLICY share_change ON share FOR UPDATE USING (({PERSON} AND owner_id = kontor_user()) OR {SYSTEM})
    """)
    op.execute(f"""
        CREATE POLICY share_end ON share FOR DELETE USING (
            ({PERSON} AND (owner_id = kontor_user() OR user_id = kontor_user())) OR {SYSTEM}
        )
    """)


def neighbours() -> None:
    # What happens in a project is heard by whoever may read it, for as long as they may. Anybody may publish into a
    # topic of any name, so one that only begins like a project's names none.
    op.execute("""
        CREATE FUNCTION project_of_topic(topic text) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN CASE WHEN topic ~ '^project:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN substr(topic, 9)::uuid END
    """)
    for table in ("event", "event_horizon"):
        op.execute(f"""
            ALTER POLICY {table}_read ON {table} USING (
                owner_id = kontor_user()
                OR kontor_scope() = 'system'
                OR (topic IN ('admin', 'managers') AND kontor_scope() IN ('admin', 'full'))
                OR (topic = 'everyone' AND kontor_scope() IN ('person', 'admin', 'full'))
                OR (
                    {PERSON} AND topic LIKE 'project:%' AND EXISTS (
                        SELECT FROM project_access a
                        WHERE a.user_id = kontor_user() AND a.project_id = project_of_topic(topic)
                    )
                )
            )
        """)
    op.execute("""
        CREATE INDEX usage_line_project_id_finished_at_idx ON usage_line (project_id, finished_at)
        WHERE project_id IS NOT NULL
    """)


def force(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
