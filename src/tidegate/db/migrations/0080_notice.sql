-- notice: telling the uploader.

CREATE TABLE notice (
    id              uuid PRIMARY KEY,
    content         uuid        NOT NULL,
    revision        int         NOT NULL,
    cause           text        NOT NULL,
    decision        uuid,
    state           text        NOT NULL,
    issued_at       timestamptz NOT NULL,
    complaint_until timestamptz NOT NULL,
    token_hash      bytea       NOT NULL UNIQUE,
    ended           text,
    ended_at        timestamptz,
    read_at         timestamptz
);
COMMENT ON TABLE notice IS 'View. The link''s secret is derived when needed; only its hash stands here.';
CREATE INDEX notice_content ON notice (content);
