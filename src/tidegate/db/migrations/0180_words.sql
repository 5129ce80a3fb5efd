-- Texts and links: what a new signal looks back by.

ALTER TABLE content ADD COLUMN host text;
ALTER TABLE clear_upload ADD COLUMN host bytea;
COMMENT ON COLUMN clear_upload.host IS 'A digest, keyed with the node key.';

-- A sketch is its length in units, then words of 32 bits (fingerprint/text.py).
CREATE FUNCTION sketch_hashes(sketch bytea) RETURNS int[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$
    SELECT array_agg(('x' || encode(substr(sketch, 4 * word + 1, 4), 'hex'))::bit(32)::int)
    FROM generate_series(1, length(sketch) / 4 - 1) AS word
$$;

CREATE INDEX content_sketch ON content USING gin (sketch_hashes(sketch)) WHERE sketch IS NOT NULL;
CREATE INDEX clear_upload_sketch ON clear_upload USING gin (sketch_hashes(sketch)) WHERE sketch IS NOT NULL;
-- An address may be longer than an entry of the usual index.
CREATE INDEX content_address ON content USING hash (address);
CREATE INDEX content_host ON content (host) WHERE host IS NOT NULL;
CREATE INDEX clear_upload_address ON clear_upload (address) WHERE address IS NOT NULL;
CREATE INDEX clear_upload_host ON clear_upload (host) WHERE host IS NOT NULL;

-- A proposal may be about a signal: a domain needs two people.
ALTER TABLE proposal ADD COLUMN signal uuid;
