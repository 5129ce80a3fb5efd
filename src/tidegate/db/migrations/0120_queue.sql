-- queue: where each case stands, why, and who is on it.

ALTER TABLE "case"
    ADD COLUMN size            int         NOT NULL DEFAULT 0,
    ADD COLUMN reach           bigint      NOT NULL DEFAULT 0,
    ADD COLUMN held_until      timestamptz,
    ADD COLUMN distance        int,
    ADD COLUMN reports         int         NOT NULL DEFAULT 0,
    ADD COLUMN trusted_reports int         NOT NULL DEFAULT 0,
    ADD COLUMN languages       text[]      NOT NULL DEFAULT '{}',
    ADD COLUMN place           timestamptz,
    ADD COLUMN claimed_by      uuid,
    ADD COLUMN claimed_until   timestamptz;
COMMENT ON COLUMN "case".place IS 'When it was opened, less its head starts. None once it is closed.';

-- What stands open now: the same sums as case.store and case.rules make for every later event.
WITH facts AS (
    SELECT m."case" AS id, count(*) AS size, max(n.reach) AS reach, min(m.distance) AS distance,
        (SELECT min(h.expires_at) FROM case_member o JOIN hold h ON h.content = o.content
            WHERE o."case" = m."case" AND h.state = 'held') AS held_until,
        (SELECT count(*) FROM case_member o JOIN flag f ON f.content = o.content
            WHERE o."case" = m."case" AND f.state = 'raised') AS reports,
        (SELECT count(*) FROM case_member o JOIN flag f ON f.content = o.content
            WHERE o."case" = m."case" AND f.state = 'raised' AND f.trusted) AS trusted_reports,
        coalesce(array_agg(DISTINCT n.language ORDER BY n.language) FILTER (WHERE n.language IS NOT NULL), '{}')
            AS languages
    FROM case_member m JOIN "case" c ON c.id = m."case" AND c.state <> 'closed' JOIN content n ON n.id = m.content
    GROUP BY m."case"
)
UPDATE "case" c SET (size, reach, held_until, distance, reports, trusted_reports, languages, place)
  = (f.size, f.reach, f.held_until, f.distance, f.reports, f.trusted_reports, f.languages,
    c.opened_at - make_interval(hours => (
        CASE WHEN f.reach >= 100000 THEN 48 WHEN f.reach >= 10000 THEN 24 ELSE 0 END
        + CASE WHEN c.reason IN ('exact_match', 'decided_before') THEN 12 ELSE 0 END
        + CASE WHEN c.reason = 'look_alike' THEN CASE WHEN f.distance <= 15 THEN 8 ELSE 2 END ELSE 0 END
        + least(12 * f.trusted_reports, 24)
        + least(2 * (f.reports - f.trusted_reports), 12)
        + CASE WHEN c.account_class <> 'ordinary' THEN 24 ELSE 0 END
        + CASE WHEN c.reason = 'signal_withdrawn' THEN 24 ELSE 0 END
    )::int))
FROM facts f WHERE f.id = c.id;

DROP INDEX case_not_closed;
CREATE INDEX case_queue ON "case" (held_until, place, id) WHERE state <> 'closed';
CREATE INDEX case_claimed ON "case" (claimed_by) WHERE claimed_by IS NOT NULL;
