-- What a new signal looks back by at the words around a content, and at the addresses inside a text. Of what came before
-- this migration none of it was kept: there a text or a link is found by itself, as it was.
ALTER TABLE content
    ADD COLUMN words          text NOT NULL DEFAULT 'whole',
    ADD COLUMN caption_sketch bytea,
    ADD COLUMN leads_to       bigint[];
ALTER TABLE content ALTER COLUMN words DROP DEFAULT;
COMMENT ON COLUMN content.words IS 'How far caption and link field were read: whole, partly, not_yet.';
COMMENT ON COLUMN content.leads_to IS 'Digests, keyed with the node key, of the addresses in and beside it, and of their hosts.';
ALTER TABLE clear_upload
    ADD COLUMN caption_sketch bytea,
    ADD COLUMN leads_to       bigint[];
COMMENT ON COLUMN clear_upload.leads_to IS 'Digests, keyed with the node key.';

CREATE INDEX content_caption_sketch ON content USING gin (sketch_hashes(caption_sketch)) WHERE caption_sketch IS NOT NULL;
CREATE INDEX clear_upload_caption_sketch ON clear_upload USING gin (sketch_hashes(caption_sketch)) WHERE caption_sketch IS NOT NULL;
CREATE INDEX content_leads_to ON content USING gin (leads_to) WHERE leads_to IS NOT NULL;
CREATE INDEX clear_upload_leads_to ON clear_upload USING gin (leads_to) WHERE leads_to IS NOT NULL;
-- Words that could not be read yet are few, and asked for often.
CREATE INDEX content_words_not_yet ON content (id) WHERE words = 'not_yet';
