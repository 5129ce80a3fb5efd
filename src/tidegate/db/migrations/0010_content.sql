-- content: what a platform shows us.

CREATE TABLE content (
    id            uuid PRIMARY KEY,
    revision      int     NOT NULL,
    service       uuid    NOT NULL,
    kind          text    NOT NULL,
    standing      text    NOT NULL,
    surface       text    NOT NULL,
    account_class text    NOT NULL,
    reach         bigint  NOT NULL,
    language      text,
    country       text,
    lookup        bytea UNIQUE,
    uploader      bytea,
    caption       bytea,
    sha256        bytea,
    pdq           bytea,
    quality       int     NOT NULL,
    width         int     NOT NULL,
    height        int     NOT NULL,
    bytes_kept    boolean NOT NULL
);
COMMENT ON TABLE content IS 'View. Digests are keyed with the node key; erasing empties them.';
CREATE INDEX content_sha256 ON content (sha256);

-- Clear uploads: one row each, in a part a day, dropped whole. Not a view: these rows are their own record.
CREATE TABLE clear_upload (
    day           date        NOT NULL,
    id            uuid        NOT NULL,
    revision      int         NOT NULL,
    at            timestamptz NOT NULL,
    lookup        bytea       NOT NULL,
    service       uuid        NOT NULL,
    kind          text        NOT NULL,
    surface       text        NOT NULL,
    account_class text        NOT NULL,
    reach         bigint      NOT NULL,
    language      text,
    country       text,
    sha256        bytea       NOT NULL,
    pdq           bytea       NOT NULL,
    quality       int         NOT NULL,
    position      bigint      NOT NULL,
    sealed        bytea       NOT NULL
) PARTITION BY RANGE (day);
CREATE INDEX clear_upload_lookup ON clear_upload (lookup);
CREATE INDEX clear_upload_sha256 ON clear_upload (sha256);
CREATE INDEX clear_upload_id ON clear_upload (id);

CREATE TABLE clear_upload_day (
    day     date PRIMARY KEY,
    wrapped bytea NOT NULL
);
COMMENT ON TABLE clear_upload_day IS 'The key of each day''s clear uploads; dropped with the day.';

CREATE TABLE tally (
    day    date   NOT NULL,
    what   text   NOT NULL,
    shard  int    NOT NULL,
    count  bigint NOT NULL,
    PRIMARY KEY (day, what, shard)
);
COMMENT ON TABLE tally IS 'Counts of answers, spread over shards so that uploads do not wait for one row.';

-- The application's role owns nothing, so the owner lends it exactly this: make the next days, drop the old ones.
CREATE FUNCTION clear_upload_days(today date, keep_days int) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS
$$
DECLARE
    wanted date;
    part   text;
BEGIN
    PERFORM pg_advisory_xact_lock(7421002);
    FOR wanted IN SELECT generate_series(today - 1, today + 7, interval '1 day')::date LOOP
        part := 'clear_upload_' || to_char(wanted, 'YYYYMMDD');
        IF to_regclass(part) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF clear_upload FOR VALUES FROM (%L) TO (%L)', part, wanted, wanted + 1);
        END IF;
    END LOOP;
    FOR part IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'clear_upload'::regclass
          AND to_date(right(c.relname, 8), 'YYYYMMDD') < today - greatest(keep_days, 1)
    LOOP
        EXECUTE format('DROP TABLE %I', part);
    END LOOP;
    DELETE FROM clear_upload_day WHERE day < today - greatest(keep_days, 1);
END
$$;
REVOKE ALL ON FUNCTION clear_upload_days(date, int) FROM PUBLIC;
