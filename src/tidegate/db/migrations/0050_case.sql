-- case: what people must look at together.

CREATE TABLE "case" (
    id            uuid PRIMARY KEY,
    state         text        NOT NULL,
    reason        text        NOT NULL,
    signal        uuid,
    content       uuid,
    first         uuid        NOT NULL,
    account_class text        NOT NULL,
    caption       bytea,
    opened_at     timestamptz NOT NULL
);
COMMENT ON TABLE "case" IS 'View. A star around one anchor: the signal, or else the content.';
CREATE UNIQUE INDEX case_open ON "case" (coalesce(signal, content), account_class, caption) NULLS NOT DISTINCT
    WHERE state <> 'closed';
CREATE INDEX case_not_closed ON "case" (opened_at) WHERE state <> 'closed';

CREATE TABLE case_member (
    "case"   uuid NOT NULL,
    content  uuid NOT NULL,
    distance int  NOT NULL,
    PRIMARY KEY ("case", content)
);
COMMENT ON TABLE case_member IS 'View.';
CREATE INDEX case_member_content ON case_member (content);
