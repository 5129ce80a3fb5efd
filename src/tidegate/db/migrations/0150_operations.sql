-- What alarms and the console's lists ask for: since when something waits, and pages that stay quick.

ALTER TABLE verdict ADD COLUMN given_at timestamptz;
UPDATE verdict SET given_at = (
    SELECT max(e.at) FROM event e
    WHERE e.about @> ARRAY[verdict.content] AND e.subject = verdict.content AND e.kind = 'verdict.given'
      AND (e.data ->> 'revision')::int = verdict.revision
);
ALTER TABLE verdict ALTER COLUMN given_at SET NOT NULL;
CREATE INDEX verdict_unchecked_since ON verdict (reason, given_at) WHERE verdict = 'unchecked';

-- The record is read by kind and by day.
CREATE INDEX event_kind ON event (kind text_pattern_ops, id);
CREATE INDEX event_actor ON event (actor, id) WHERE actor IS NOT NULL;
CREATE INDEX event_at ON event USING brin (at);

CREATE INDEX exposure_at ON exposure (at);
