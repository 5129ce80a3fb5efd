"""The database: pool, transaction, event append, job defer, migrations, sealing, embedded PostgreSQL."""
