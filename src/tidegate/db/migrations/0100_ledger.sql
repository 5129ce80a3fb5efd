-- ledger: the public log. These tables are the log itself, not views.

CREATE TABLE ledger_leaf (
    number    bigint GENERATED ALWAYS AS IDENTITY,
    leaf      uuid PRIMARY KEY,
    kind      text        NOT NULL,
    about     uuid        NOT NULL,
    content   uuid,
    queued_at timestamptz NOT NULL
);
COMMENT ON TABLE ledger_leaf IS 'Which leaf is about what. Never public.';
CREATE INDEX ledger_leaf_about ON ledger_leaf (about);
CREATE INDEX ledger_leaf_content ON ledger_leaf (content);

CREATE TABLE ledger_pending (
    leaf  uuid PRIMARY KEY,
    entry bytea NOT NULL
);
COMMENT ON TABLE ledger_pending IS 'Queued with what they report; the sequencer gives them their places.';

CREATE TABLE ledger_entry (
    index bigint PRIMARY KEY,
    leaf  uuid  NOT NULL UNIQUE,
    entry bytea NOT NULL
);
COMMENT ON TABLE ledger_entry IS 'The log. The application may only add to it.';

CREATE TABLE ledger_head (
    single     boolean PRIMARY KEY CHECK (single),
    size       bigint  NOT NULL,
    peaks      bytea[] NOT NULL,
    checkpoint text    NOT NULL
);

CREATE TABLE ledger_tallied (
    day  date NOT NULL,
    what text NOT NULL,
    PRIMARY KEY (day, what)
);
