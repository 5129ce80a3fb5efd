-- Uploads that were acknowledged and not judged yet. Their bytes and words are sealed details of the content.
CREATE TABLE checking (
    content      uuid PRIMARY KEY,
    revision     int         NOT NULL,
    service      uuid        NOT NULL,
    kind         text        NOT NULL,
    lookup       bytea       NOT NULL UNIQUE,
    received_at  timestamptz NOT NULL,
    reached      bigint      NOT NULL,
    duration     bigint      NOT NULL,
    width        int         NOT NULL,
    height       int         NOT NULL,
    broken       bigint      NOT NULL,
    tries        int         NOT NULL,
    looking_back boolean     NOT NULL,
    last_failure text,
    taken_until  timestamptz
);
COMMENT ON TABLE checking IS 'Uploads being checked. No view: a row ends with the verdict, and is no part of the record.';
COMMENT ON COLUMN checking.reached IS 'Milliseconds of the video that were read; where the next part begins.';

-- Looking back reads videos alone.
CREATE INDEX content_frames ON content (id) WHERE frames IS NOT NULL;
CREATE INDEX clear_upload_frames ON clear_upload (id) WHERE frames IS NOT NULL;
