"""How Alembic runs: always on the connection, and in the transaction, it is handed."""

from alembic import context

from openccp.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,
)
context.run_migrations()
