-- signal: what we know and its standing.

CREATE TABLE signal (
    id         uuid PRIMARY KEY,
    kind       text    NOT NULL,
    value      bytea,
    labels     text[]  NOT NULL,
    provenance text    NOT NULL,
    standing   text    NOT NULL,
    decision   uuid,
    own_people boolean NOT NULL,
    members    int     NOT NULL,
    disputed   boolean NOT NULL,
    position   bigint  NOT NULL
);
COMMENT ON TABLE signal IS 'View. The value stands here in the clear because matching needs it; never logged, never public.';
CREATE UNIQUE INDEX signal_value ON signal (kind, value);
CREATE INDEX signal_position ON signal (position);
CREATE INDEX signal_decision ON signal (decision);
