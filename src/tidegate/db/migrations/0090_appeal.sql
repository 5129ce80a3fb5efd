-- appeal: complaints and their outcome.

CREATE TABLE appeal (
    id         uuid PRIMARY KEY,
    notice     uuid        NOT NULL UNIQUE,
    content    uuid        NOT NULL,
    state      text        NOT NULL,
    outcome    text,
    opened_at  timestamptz NOT NULL,
    due_at     timestamptz NOT NULL,
    decided_at timestamptz
);
COMMENT ON TABLE appeal IS 'View. What the person said is sealed under the content''s key.';
CREATE INDEX appeal_content ON appeal (content);
CREATE INDEX appeal_open ON appeal (due_at) WHERE state = 'open';

CREATE TABLE appeal_vote (
    appeal  uuid        NOT NULL,
    voter   uuid        NOT NULL,
    outcome text        NOT NULL,
    cast_at timestamptz NOT NULL,
    PRIMARY KEY (appeal, voter)
);
COMMENT ON TABLE appeal_vote IS 'View.';
