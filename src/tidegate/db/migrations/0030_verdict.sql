-- verdict: the immediate answer, and holds.

CREATE TABLE verdict (
    content  uuid   NOT NULL,
    revision int    NOT NULL,
    verdict  text   NOT NULL,
    reason   text,
    position bigint NOT NULL,
    signals  uuid[] NOT NULL,
    PRIMARY KEY (content, revision)
);
COMMENT ON TABLE verdict IS 'View. The newest answer on each revision; clear ones are rows of clear_upload.';
CREATE INDEX verdict_signals ON verdict USING gin (signals);
CREATE INDEX verdict_unchecked ON verdict (content) WHERE verdict = 'unchecked';

CREATE TABLE hold (
    content    uuid        NOT NULL,
    revision   int         NOT NULL,
    uploader   bytea,
    sha256     bytea,
    started_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz,
    state      text        NOT NULL
);
COMMENT ON TABLE hold IS 'View. Every stretch of held time, so that no resubmission stretches it.';
CREATE INDEX hold_content ON hold (content);
CREATE UNIQUE INDEX hold_running ON hold (content) WHERE state = 'held';
CREATE INDEX hold_uploader ON hold (uploader, sha256);
CREATE INDEX hold_due ON hold (expires_at) WHERE state = 'held';

CREATE TABLE removed_bytes (
    content  uuid NOT NULL,
    decision uuid NOT NULL,
    label    text NOT NULL,
    sha256   bytea,
    PRIMARY KEY (content, decision)
);
COMMENT ON TABLE removed_bytes IS 'View. Bytes people decided to remove, while that decision stands.';
CREATE INDEX removed_bytes_sha256 ON removed_bytes (sha256);

CREATE TABLE look_alike_holds (
    single boolean PRIMARY KEY CHECK (single),
    is_on boolean NOT NULL
);
COMMENT ON TABLE look_alike_holds IS 'View. Off until two people switch it on.';
