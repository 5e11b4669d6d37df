"""What another process writes is seen, and it does not take the journal away from us."""

import asyncio
import subprocess
import sys
from pathlib import Path

from openccp.store.accounts import Accounts
from openccp.store.connect import connect
from openccp.store.migrate import migrate

INSERT = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("insert into accounts (id, name, role, created) values (?, ?, 'user', 0)",
           [sys.argv[2]] * 2)
db.commit()
db.close()
"""


async def test_another_process_that_comes_and_goes_leaves_our_journal(tmp_path: Path) -> None:
    file = tmp_path / "db"
    migrate(f"sqlite:///{file}")
    first, second = connect(f"sqlite:///{file}"), connect(f"sqlite:///{file}")
    try:
        accounts = Accounts(first)
        assert await accounts.account_named("nobody") is None
        journal = (tmp_path / "db-wal").stat().st_ino
        for name in ("ada", "bob"):
            command = [sys.executable, "-c", INSERT, str(file), name]
            await asyncio.to_thread(subprocess.run, command, check=True)
            assert await accounts.account_named(name) is not None
        assert (tmp_path / "db-wal").stat().st_ino == journal
    finally:
        await first.close()
        await second.close()
