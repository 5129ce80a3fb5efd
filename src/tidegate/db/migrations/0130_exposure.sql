-- exposure: how long a picture was before someone's eyes, and how heavy it was.

ALTER TABLE exposure
    ADD COLUMN look     uuid UNIQUE,
    ADD COLUMN severity smallint CHECK (severity BETWEEN 1 AND 3),
    ADD CONSTRAINT exposure_look_whole CHECK ((look IS NULL) = (severity IS NULL));
COMMENT ON COLUMN exposure.look IS 'Set when a picture was given out: what a report of its seconds names.';

-- What was looked at before anyone measured counts as a look of which no report came, of unknown severity.
UPDATE exposure SET look = gen_random_uuid(), severity = 2 WHERE kind = 'content';

-- Nothing ever measured it: seconds are reported later, and no row is changed.
ALTER TABLE exposure DROP COLUMN seconds;

CREATE TABLE exposure_look (
    look    uuid PRIMARY KEY REFERENCES exposure (look),
    at      timestamptz      NOT NULL,
    seconds double precision NOT NULL CHECK (seconds >= 0)
);
COMMENT ON TABLE exposure_look IS 'Not a view: how long a look lasted, once it was over. Only ever added to; a look without a row here counts as a fixed time.';
