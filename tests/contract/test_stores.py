import pytest

from openccp.core.stores import AccountStore, JobStore, MethodStore
from openccp.store.accounts import Accounts
from openccp.store.cipher import Cipher
from openccp.store.database import Database
from openccp.store.jobs import Jobs
from openccp.store.methods import Methods
from openccp.testing.created_jobs import CreatedJobsContract
from openccp.testing.memory import MemoryJobs
from openccp.testing.queued_jobs import QueuedJobsContract
from openccp.testing.stores import AccountStoreContract, JobStoreContract, MethodStoreContract


class TestSqliteJobs(JobStoreContract, CreatedJobsContract, QueuedJobsContract):
    @pytest.fixture
    def jobs(self, sqlite: Database) -> JobStore:
        return Jobs(sqlite, Cipher(b"k" * 32))


class TestMemoryJobs(QueuedJobsContract):
    @pytest.fixture
    def jobs(self) -> JobStore:
        return MemoryJobs()


class TestSqliteMethods(MethodStoreContract):
    @pytest.fixture
    def methods(self, sqlite: Database) -> MethodStore:
        return Methods(sqlite)


class TestSqliteAccounts(AccountStoreContract):
    @pytest.fixture
    def accounts(self, sqlite: Database) -> AccountStore:
        return Accounts(sqlite)


@pytest.mark.postgresql
class TestPostgresqlJobs(JobStoreContract, CreatedJobsContract, QueuedJobsContract):
    @pytest.fixture
    def jobs(self, postgresql: Database) -> JobStore:
        return Jobs(postgresql, Cipher(b"k" * 32))


@pytest.mark.postgresql
class TestPostgresqlMethods(MethodStoreContract):
    @pytest.fixture
    def methods(self, postgresql: Database) -> MethodStore:
        return Methods(postgresql)


@pytest.mark.postgresql
class TestPostgresqlAccounts(AccountStoreContract):
    @pytest.fixture
    def accounts(self, postgresql: Database) -> AccountStore:
        return Accounts(postgresql)
