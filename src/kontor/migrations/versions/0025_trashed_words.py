"""What the words of documents in the trash add to the statistics, so that it can be taken off for viewers."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # Line 0 is of all words. As the owner of the tables, because no person can read `passage_words` at all.
    op.execute("""
        CREATE FUNCTION trashed_words(projects uuid[], asked text[], asked_in uuid[])
        RETURNS TABLE (number bigint, passages bigint, words bigint)
        LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET jit = off AS $$
        #variable_conflict use_column
        DECLARE
            allowed uuid[] := searchable_projects(projects);
            trashed uuid[] := trashed_documents(allowed);
        BEGIN
            RETURN QUERY
            WITH hidden AS MATERIALIZED (
                SELECT w.project_id, w.vector, w.words FROM passage_words w
                WHERE w.project_id = ANY(allowed) AND w.document_id = ANY(trashed)
            )
            SELECT 0::bigint, count(*), coalesce(sum(h.words), 0)::bigint FROM hidden h
            UNION ALL
            SELECT a.number, count(*), 0::bigint
            FROM unnest(asked::tsquery[], asked_in) WITH ORDINALITY AS a (lexeme, project_id, number)
            JOIN hidden h ON h.project_id = a.project_id AND h.vector @@ a.lexeme
            GROUP BY a.number;
        END $$
    """)
