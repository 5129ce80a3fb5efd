-- The record itself: events, sealed details, counters.

CREATE TABLE event (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL,
    kind       text        NOT NULL,
    subject    uuid        NOT NULL,
    about      uuid[]      NOT NULL,
    actor_kind text        NOT NULL,
    actor      uuid,
    data       jsonb       NOT NULL
);
COMMENT ON TABLE event IS 'What happened, for ever. Holds ids, closed enumerations and numbers only.';
CREATE INDEX event_about ON event USING gin (about);

CREATE TABLE item_key (
    owner   uuid PRIMARY KEY,
    wrapped bytea NOT NULL
);
COMMENT ON TABLE item_key IS 'One key an item, sealed by the node key. Deleting it erases the item.';

CREATE TABLE detail (
    owner  uuid  NOT NULL,
    part   text  NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (owner, part)
);
COMMENT ON TABLE detail IS 'What describes a person or content, sealed under its item''s key.';
ALTER TABLE detail ALTER COLUMN sealed SET STORAGE EXTERNAL; -- ciphertext does not compress

CREATE TABLE counter (
    name     text PRIMARY KEY,
    position bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE counter IS 'Gap-free positions: the row stays locked until the writer commits.';
INSERT INTO counter (name) VALUES ('signal'), ('instruction');
