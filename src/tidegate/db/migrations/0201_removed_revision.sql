-- What people removed is remembered with its revision: sent again unchanged, it stays removed, even while the decision
-- stands in doubt and no machine holds the same bytes elsewhere because of it.
ALTER TABLE removed_bytes
    ADD COLUMN revision int,
    ADD COLUMN doubted  boolean NOT NULL DEFAULT false;
ALTER TABLE removed_bytes ALTER COLUMN doubted DROP DEFAULT;
UPDATE removed_bytes r SET revision = (
    SELECT (e.data->>'revision')::int FROM event e
    WHERE e.kind = 'verdict.bytes_remembered' AND e.about @> ARRAY[r.content, r.decision]
    ORDER BY e.id DESC LIMIT 1);
ALTER TABLE removed_bytes ALTER COLUMN revision SET NOT NULL;
COMMENT ON COLUMN removed_bytes.doubted IS 'People look again: the content stays removed, the same bytes elsewhere are not held for it.';
