-- Joining a case costs the same however many are in it: each member carries what it adds to the case.

ALTER TABLE case_member
    ADD COLUMN reach           bigint NOT NULL DEFAULT 0,
    ADD COLUMN language        text,
    ADD COLUMN held_until      timestamptz,
    ADD COLUMN reports         int    NOT NULL DEFAULT 0,
    ADD COLUMN trusted_reports int    NOT NULL DEFAULT 0;
COMMENT ON TABLE case_member IS 'View. What a member adds to its case, until the case is closed.';

UPDATE case_member m SET (reach, language, held_until, reports, trusted_reports) = (
    n.reach, n.language,
    (SELECT h.expires_at FROM hold h WHERE h.content = m.content AND h.state = 'held'),
    (SELECT count(*) FROM flag f WHERE f.content = m.content AND f.state = 'raised'),
    (SELECT count(*) FROM flag f WHERE f.content = m.content AND f.state = 'raised' AND f.trusted))
FROM content n, "case" c WHERE n.id = m.content AND c.id = m."case" AND c.state <> 'closed';

CREATE INDEX case_member_reach ON case_member ("case", reach);
CREATE INDEX case_member_distance ON case_member ("case", distance);
CREATE INDEX case_member_held_until ON case_member ("case", held_until) WHERE held_until IS NOT NULL;
CREATE INDEX case_member_language ON case_member ("case", language) WHERE language IS NOT NULL;
