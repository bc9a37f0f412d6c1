"""How Alembic runs here: always on a connection that `core.schema` opened and locked."""

from typing import Any

from alembic import context

connection: Any = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=context.config.attributes.get("metadata"),
    transaction_per_migration=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
