-- Content of other kinds than pictures, and more than one look of a picture.
ALTER TABLE content
    ADD COLUMN looks   bytea,
    ADD COLUMN reduced boolean NOT NULL DEFAULT false,
    ADD COLUMN frames  bytea,
    ADD COLUMN sketch  bytea,
    ADD COLUMN address text;
ALTER TABLE content ALTER COLUMN reduced DROP DEFAULT;
-- Until now there was one look of a picture: the whole as stored (0), without a second hash (0).
UPDATE content SET looks = decode('00' || lpad(to_hex(quality), 2, '0') || '00', 'hex')
WHERE length(pdq) > 0 AND quality >= 50;
UPDATE content SET pdq = ''::bytea, looks = ''::bytea WHERE sha256 IS NOT NULL AND looks IS NULL;

ALTER TABLE clear_upload
    ADD COLUMN frames  bytea,
    ADD COLUMN sketch  bytea,
    ADD COLUMN address bytea;
COMMENT ON COLUMN clear_upload.address IS 'A digest, keyed with the node key.';
UPDATE clear_upload SET pdq = ''::bytea WHERE quality < 50;

-- Texts and the frames of videos are longer than an index entry may be.
DROP INDEX signal_value;
CREATE UNIQUE INDEX signal_value ON signal (kind, sha256(value));
