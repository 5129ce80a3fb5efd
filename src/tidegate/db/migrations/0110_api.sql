-- api: answers kept so that a request sent again gets the same one.

CREATE TABLE idempotency (
    name    bytea PRIMARY KEY,
    request bytea       NOT NULL,
    answer  text        NOT NULL,
    at      timestamptz NOT NULL
);
COMMENT ON TABLE idempotency IS 'Kept for 24 hours. Keyed digests of key and request; answers hold ids and closed words only.';
CREATE INDEX idempotency_at ON idempotency (at);
