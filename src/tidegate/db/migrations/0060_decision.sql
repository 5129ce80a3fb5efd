-- decision: votes and what people decided.

CREATE TABLE vote (
    id        uuid PRIMARY KEY,
    "case"    uuid        NOT NULL,
    voter     uuid        NOT NULL,
    measure   text        NOT NULL,
    ground    text,
    provision text,
    exempt    text        NOT NULL,
    label     text,
    shown     jsonb       NOT NULL,
    cast_at   timestamptz NOT NULL,
    withdrawn boolean     NOT NULL
);
COMMENT ON TABLE vote IS 'View. Hidden from other voters until enough are in.';
-- Nobody votes twice, even when two of their requests arrive at once.
CREATE UNIQUE INDEX vote_once ON vote ("case", voter) WHERE NOT withdrawn;

CREATE TABLE decision (
    id         uuid PRIMARY KEY,
    "case"     uuid        NOT NULL,
    state      text        NOT NULL,
    measure    text        NOT NULL,
    ground     text,
    provision  text,
    exempt     text        NOT NULL,
    label      text,
    reason     text        NOT NULL,
    people     int         NOT NULL,
    new_signal boolean     NOT NULL,
    contents   jsonb       NOT NULL,
    voters     uuid[]      NOT NULL,
    issue_at   timestamptz NOT NULL
);
COMMENT ON TABLE decision IS 'View.';
CREATE UNIQUE INDEX decision_waiting ON decision ("case") WHERE state = 'made';
CREATE INDEX decision_due ON decision (issue_at) WHERE state = 'made';

CREATE TABLE decision_content (
    decision    uuid        NOT NULL,
    content     uuid        NOT NULL,
    restricts   boolean     NOT NULL,
    in_force    boolean     NOT NULL,
    issued_at   timestamptz NOT NULL,
    reversed_at timestamptz,
    PRIMARY KEY (decision, content)
);
COMMENT ON TABLE decision_content IS 'View. What each issued decision covers, and whether it still stands.';
CREATE INDEX decision_content_content ON decision_content (content);
