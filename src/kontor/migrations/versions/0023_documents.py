"""Documents of projects, the texts that were read out of them, and the passages that these are searched by."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

PERSON = "kontor_scope() = 'person'"
SYSTEM = "kontor_scope() = 'system'"

LANGUAGE = "language IN ('de', 'en', 'other')"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    documents()
    texts()
    passages()
    uploads()


def documents() -> None:
    # A document lives in one project and belongs to whom the project belongs to, whoever brought it. What stands in a
    # trashed project is not marked here: it goes and comes back with the project. `problem` is a code and a sentence.
    op.execute(f"""
        CREATE TABLE document (
            id uuid NOT NULL,
            owner_id uuid NOT NULL CONSTRAINT document_owner_id_fkey REFERENCES person (id) ON DELETE CASCADE,
            project_id uuid NOT NULL,
            name text NOT NULL CONSTRAINT document_name_check CHECK (length(name) BETWEEN 1 AND 255),
            origin text NOT NULL CONSTRAINT document_origin_check CHECK (origin IN ('upload', 'url', 'text')),
            url text CONSTRAINT document_url_check CHECK (length(url) <= 6000),
            kind text CONSTRAINT document_kind_check CHECK (kind ~ '^[a-z]{{1,20}}$'),
            media_type text NOT NULL CONSTRAINT document_media_type_check CHECK (length(media_type) <= 130),
            blob_id uuid,
            bytes bigint NOT NULL DEFAULT 0 CONSTRAINT document_bytes_check CHECK (bytes >= 0),
            sha256 bytea CONSTRAINT document_sha256_check CHECK (octet_length(sha256) = 32),
            state text NOT NULL DEFAULT 'waiting'
                CONSTRAINT document_state_check CHECK (state IN ('waiting', 'reading', 'indexing', 'ready', 'failed')),
            problem_code text CONSTRAINT document_problem_code_check CHECK (length(problem_code) <= 80),
            problem text CONSTRAINT document_problem_check CHECK (length(problem) <= 1000),
            notices jsonb NOT NULL DEFAULT '[]'
                CONSTRAINT document_notices_check CHECK (jsonb_typeof(notices) = 'array'),
            done integer NOT NULL DEFAULT 0 CONSTRAINT document_done_check CHECK (done >= 0),
            total integer CONSTRAINT document_total_check CHECK (total >= 0),
            title text NOT NULL DEFAULT '' CONSTRAINT document_title_check CHECK (length(title) <= 500),
            author text NOT NULL DEFAULT '' CONSTRAINT document_author_check CHECK (length(author) <= 500),
            dated text NOT NULL DEFAULT '' CONSTRAINT document_dated_check CHECK (length(dated) <= 40),
            language text CONSTRAINT document_language_check CHECK ({LANGUAGE}),
            pages integer NOT NULL DEFAULT 0 CONSTRAINT document_pages_check CHECK (pages >= 0),
            characters integer NOT NULL DEFAULT 0 CONSTRAINT document_characters_check CHECK (characters >= 0),
            text_id uuid,
            tags text[] NOT NULL DEFAULT '{{}}' CONSTRAINT document_tags_check CHECK (cardinality(tags) <= 20),
            created_by uuid,
            created_at timestamptz NOT NULL,
            changed_at timestamptz NOT NULL,
            trashed_at timestamptz,
            trashed_by uuid,
            version integer NOT NULL DEFAULT 1,
            CONSTRAINT document_pkey PRIMARY KEY (id),
            CONSTRAINT document_project_id_id_key UNIQUE (project_id, id),
            CONSTRAINT document_owner_id_project_id_fkey FOREIGN KEY (owner_id, project_id)
                REFERENCES project (owner_id, id) ON DELETE CASCADE,
            CONSTRAINT document_owner_id_blob_id_fkey FOREIGN KEY (owner_id, blob_id)
                REFERENCES blob (owner_id, id),
            CONSTRAINT document_failed_check CHECK ((state = 'failed') = (problem_code IS NOT NULL)),
            CONSTRAINT document_url_origin_check CHECK ((origin = 'url') = (url IS NOT NULL))
        )
    """)
    op.execute("CREATE INDEX document_project_id_created_at_idx ON document (project_id, created_at, id)")
    op.execute("CREATE INDEX document_project_id_sha256_idx ON document (project_id, sha256)")
    op.execute("CREATE INDEX document_owner_id_blob_id_idx ON document (owner_id, blob_id)")
    op.execute("CREATE INDEX document_trashed_at_idx ON document (trashed_at) WHERE trashed_at IS NOT NULL")
    op.execute("""
        CREATE INDEX document_changed_at_idx ON document (changed_at) WHERE state IN ('waiting', 'reading', 'indexing')
    """)
    force("document")
    may_read("document")
    op.execute(f"""
        CREATE POLICY document_add ON document FOR INSERT WITH CHECK (
            ({PERSON} AND EXISTS ({editable("document")})) OR {SYSTEM}
        )
    """)
    op.execute(f"""
        CREATE POLICY document_change ON document FOR UPDATE USING (
            ({PERSON} AND EXISTS ({editable("document")})) OR {SYSTEM}
        )
    """)
    op.execute(f"CREATE POLICY document_erase ON document FOR DELETE USING ({SYSTEM})")
    # Policies cannot tell what was from what shall be, nor columns apart. What was read, and whether, is not for
    # people to say.
    op.execute("""
        CREATE FUNCTION document_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (NEW.id, NEW.owner_id, NEW.project_id, NEW.origin, NEW.created_by, NEW.created_at)
                IS DISTINCT FROM (OLD.id, OLD.owner_id, OLD.project_id, OLD.origin, OLD.created_by, OLD.created_at)
            THEN
                RAISE EXCEPTION 'a document stays where it is' USING ERRCODE = '42501';
            END IF;
            IF kontor_scope() = 'person' AND (NEW.blob_id, NEW.text_id, NEW.sha256)
                IS DISTINCT FROM (OLD.blob_id, OLD.text_id, OLD.sha256)
            THEN
                RAISE EXCEPTION 'what a document holds comes from its file' USING ERRCODE = '42501';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute("CREATE TRIGGER document_guard BEFORE UPDATE ON document FOR EACH ROW EXECUTE FUNCTION document_guard()")


def texts() -> None:
    # Never changed: citations point into it. A parser that reads differently, or a page that says something else now,
    # makes a new one, and the old one stays with the file that it was read from. Of a long file the first pages come
    # before the rest: until it is whole, a text grows at its end, so what points into it stays right.
    op.execute(f"""
        CREATE TABLE document_text (
            id uuid NOT NULL,
            owner_id uuid NOT NULL,
            project_id uuid NOT NULL,
            document_id uuid NOT NULL,
            blob_id uuid,
            parser text NOT NULL CONSTRAINT document_text_parser_check CHECK (length(parser) BETWEEN 1 AND 100),
            digest bytea NOT NULL CONSTRAINT document_text_digest_check CHECK (octet_length(digest) = 32),
            packed bytea NOT NULL,
            language text NOT NULL CONSTRAINT document_text_language_check CHECK ({LANGUAGE}),
            pages integer NOT NULL,
            characters integer NOT NULL,
            is_whole boolean NOT NULL DEFAULT true,
            created_at timestamptz NOT NULL,
            CONSTRAINT document_text_pkey PRIMARY KEY (id),
            CONSTRAINT document_text_project_id_document_id_id_key UNIQUE (project_id, document_id, id),
            CONSTRAINT document_text_document_id_parser_digest_key UNIQUE (document_id, parser, digest),
            CONSTRAINT document_text_project_id_document_id_fkey FOREIGN KEY (project_id, document_id)
                REFERENCES document (project_id, id) ON DELETE CASCADE,
            CONSTRAINT document_text_owner_id_blob_id_fkey FOREIGN KEY (owner_id, blob_id)
                REFERENCES blob (owner_id, id)
        )
    """)
    # Deflated already.
    op.execute("ALTER TABLE document_text ALTER COLUMN packed SET STORAGE EXTERNAL")
    op.execute("CREATE INDEX document_text_owner_id_blob_id_idx ON document_text (owner_id, blob_id)")
    op.execute("CREATE UNIQUE INDEX document_text_open_key ON document_text (document_id) WHERE NOT is_whole")
    force("document_text")
    may_read("document_text")
    kept("document_text")
    op.execute("""
        ALTER TABLE document ADD CONSTRAINT document_project_id_id_text_id_fkey
        FOREIGN KEY (project_id, id, text_id) REFERENCES document_text (project_id, document_id, id)
    """)
    op.execute("""
        CREATE FUNCTION document_text_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'a text that was read is never changed' USING ERRCODE = '42501';
        END $$
    """)
    op.execute("""
        CREATE TRIGGER document_text_guard BEFORE UPDATE ON document_text FOR EACH ROW
        WHEN (OLD.is_whole OR (OLD.id, OLD.document_id, OLD.project_id, OLD.owner_id, OLD.parser)
            IS DISTINCT FROM (NEW.id, NEW.document_id, NEW.project_id, NEW.owner_id, NEW.parser))
        EXECUTE FUNCTION document_text_guard()
    """)


def passages() -> None:
    # Pages count from 1. The text stands here too, as a slice of the whole: a search shows ten of them, out of texts
    # that would have to be unpacked whole for each. What no earlier passage has begins at `fresh_at`.
    op.execute(f"""
        CREATE TABLE passage (
            project_id uuid NOT NULL,
            id uuid NOT NULL,
            document_id uuid NOT NULL,
            text_id uuid NOT NULL,
            ordinal integer NOT NULL CONSTRAINT passage_ordinal_check CHECK (ordinal >= 0),
            start_at integer NOT NULL,
            end_at integer NOT NULL,
            fresh_at integer NOT NULL,
            page_first integer NOT NULL CONSTRAINT passage_page_first_check CHECK (page_first >= 1),
            page_last integer NOT NULL,
            heading text NOT NULL DEFAULT '',
            language text NOT NULL CONSTRAINT passage_language_check CHECK ({LANGUAGE}),
            text text NOT NULL,
            CONSTRAINT passage_pkey PRIMARY KEY (project_id, id),
            CONSTRAINT passage_text_id_ordinal_key UNIQUE (text_id, ordinal),
            CONSTRAINT passage_project_id_document_id_text_id_fkey FOREIGN KEY (project_id, document_id, text_id)
                REFERENCES document_text (project_id, document_id, id) ON DELETE CASCADE,
            CONSTRAINT passage_span_check CHECK (
                0 <= start_at AND start_at <= fresh_at AND fresh_at < end_at AND length(text) = end_at - start_at
            ),
            CONSTRAINT passage_pages_check CHECK (page_first <= page_last)
        )
    """)
    op.execute("CREATE INDEX passage_project_id_document_id_idx ON passage (project_id, document_id)")
    force("passage")
    may_read("passage")
    kept("passage")


def uploads() -> None:
    # A large file that comes in parts, each a file of its owner's until all are there. Whoever began it goes on; when
    # they are deleted it waits for the sweep, which knows its files.
    op.execute("""
        CREATE TABLE document_upload (
            id uuid NOT NULL,
            owner_id uuid NOT NULL CONSTRAINT document_upload_owner_id_fkey REFERENCES person (id) ON DELETE CASCADE,
            project_id uuid NOT NULL,
            name text NOT NULL CONSTRAINT document_upload_name_check CHECK (length(name) BETWEEN 1 AND 255),
            media_type text NOT NULL CONSTRAINT document_upload_media_type_check CHECK (length(media_type) <= 130),
            bytes bigint NOT NULL CONSTRAINT document_upload_bytes_check CHECK (bytes > 0),
            received bigint NOT NULL DEFAULT 0
                CONSTRAINT document_upload_received_check CHECK (received BETWEEN 0 AND bytes),
            allow_duplicate boolean NOT NULL,
            tags text[] NOT NULL DEFAULT '{}',
            created_by uuid
                CONSTRAINT document_upload_created_by_fkey REFERENCES person (id) ON DELETE SET NULL,
            created_at timestamptz NOT NULL,
            changed_at timestamptz NOT NULL,
            CONSTRAINT document_upload_pkey PRIMARY KEY (id),
            CONSTRAINT document_upload_owner_id_id_key UNIQUE (owner_id, id),
            CONSTRAINT document_upload_owner_id_project_id_fkey FOREIGN KEY (owner_id, project_id)
                REFERENCES project (owner_id, id) ON DELETE CASCADE
        )
    """)
    op.execute("CREATE INDEX document_upload_created_by_idx ON document_upload (created_by)")
    op.execute("CREATE INDEX document_upload_project_id_idx ON document_upload (project_id)")
    op.execute("CREATE INDEX document_upload_changed_at_idx ON document_upload (changed_at)")
    force("document_upload")
    op.execute(f"""
        CREATE POLICY document_upload_mine ON document_upload USING (
            {PERSON} AND created_by = kontor_user() AND EXISTS ({editable("document_upload")})
        )
    """)
    kept("document_upload")
    op.execute("""
        CREATE TABLE document_upload_part (
            upload_id uuid NOT NULL,
            owner_id uuid NOT NULL,
            start_at bigint NOT NULL,
            bytes bigint NOT NULL CONSTRAINT document_upload_part_bytes_check CHECK (bytes > 0),
            blob_id uuid NOT NULL,
            CONSTRAINT document_upload_part_pkey PRIMARY KEY (upload_id, start_at),
            CONSTRAINT document_upload_part_owner_id_upload_id_fkey FOREIGN KEY (owner_id, upload_id)
                REFERENCES document_upload (owner_id, id) ON DELETE CASCADE,
            CONSTRAINT document_upload_part_owner_id_blob_id_fkey FOREIGN KEY (owner_id, blob_id)
                REFERENCES blob (owner_id, id)
        )
    """)
    op.execute("CREATE INDEX document_upload_part_owner_id_blob_id_idx ON document_upload_part (owner_id, blob_id)")
    force("document_upload_part")
    kept("document_upload_part")


def editable(table: str) -> str:
    return f"""
        SELECT FROM project_access a WHERE a.user_id = kontor_user() AND a.project_id = {table}.project_id
            AND a.role IN ('owner', 'editor')
    """


def may_read(table: str) -> None:
    # By EXISTS, so that the planner may look one row up by its key or gather them all, whichever is less.
    op.execute(f"""
        CREATE POLICY {table}_read ON {table} FOR SELECT USING (
            ({PERSON} AND EXISTS (
                SELECT FROM project_access a WHERE a.user_id = kontor_user() AND a.project_id = {table}.project_id
            )) OR kontor_scope() IN ('full', 'system')
        )
    """)  # noqa: S608


def kept(table: str) -> None:
    op.execute(f"CREATE POLICY {table}_kept ON {table} USING ({SYSTEM}) WITH CHECK ({SYSTEM})")


def force(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
