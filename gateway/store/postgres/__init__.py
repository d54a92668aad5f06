"""The store on PostgreSQL, for several gateways on one database."""

from gateway.store.postgres.store import PostgresReadings, PostgresStore, open_postgres, read_postgres

__all__ = ["PostgresReadings", "PostgresStore", "open_postgres", "read_postgres"]
