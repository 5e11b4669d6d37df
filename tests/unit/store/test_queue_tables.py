"""A fresh database and a migrated one count their queues by the same triggers."""

from importlib import import_module

import pytest

from openccp.store.queue_tables import counting

MIGRATION = import_module("openccp.store.migrations.versions.r0003_queues")


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_what_is_made_at_once_is_what_the_migration_makes(dialect: str) -> None:
    made = counting(dialect)
    assert len(made) == (3 if dialect == "sqlite" else 6)
    assert made == MIGRATION.counting(dialect)
