-- evidence: pictures a person sends with a complaint; sealed under the content's key, only counted here.

ALTER TABLE appeal ADD COLUMN evidence int NOT NULL DEFAULT 0;
COMMENT ON COLUMN appeal.evidence IS 'How many pictures came with the complaint.';
