-- flag: someone's report.

CREATE TABLE flag (
    id        uuid PRIMARY KEY,
    content   uuid        NOT NULL,
    service   uuid        NOT NULL,
    label     text,
    trusted   boolean     NOT NULL,
    state     text        NOT NULL,
    outcome   text,
    decision  uuid,
    raised_at timestamptz NOT NULL
);
COMMENT ON TABLE flag IS 'View. Who reported and in which words is sealed under the content''s key.';
CREATE INDEX flag_content ON flag (content);
