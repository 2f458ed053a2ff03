"""Alembic's entry: works on the connection that `core.migrate` hands over, inside its transaction."""

from alembic import context

from core.db import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
