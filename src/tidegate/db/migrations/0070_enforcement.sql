-- enforcement: instructions to platforms.

CREATE TABLE restriction (
    content     uuid PRIMARY KEY,
    restriction text NOT NULL,
    sequence    int  NOT NULL
);
COMMENT ON TABLE restriction IS 'View. What the platform should be doing with each content.';

CREATE TABLE instruction (
    id         uuid PRIMARY KEY,
    content    uuid        NOT NULL,
    service    uuid        NOT NULL,
    position   bigint      NOT NULL UNIQUE,
    sequence   int         NOT NULL,
    action     text        NOT NULL,
    cause      text        NOT NULL,
    state      text        NOT NULL,
    given_at   timestamptz NOT NULL,
    waiting_since timestamptz NOT NULL,
    expires_at timestamptz,
    notice     uuid,
    decision   uuid,
    UNIQUE (content, sequence)
);
COMMENT ON TABLE instruction IS 'View. One gap-free stream, filtered by service.';
CREATE INDEX instruction_service ON instruction (service, position);
CREATE INDEX instruction_state ON instruction (state) WHERE state IN ('waiting', 'undelivered');
