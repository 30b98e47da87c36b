"""Alembic's entry: runs revisions on the connection that `mmsearch.catalog.migrate` hands over.

Revisions never import the live tables: they say how a schema was at their time.
"""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
