-- people: staff, roles, sign-in, API keys, who saw what.

-- Views: filled by events and sealed details alone, so that a rebuild finds them again.

CREATE TABLE staff (
    id           uuid PRIMARY KEY,
    standing     text    NOT NULL,
    bootstrapped boolean NOT NULL
);
COMMENT ON TABLE staff IS 'View. Names are sealed details.';

CREATE TABLE staff_role (
    staff uuid NOT NULL,
    role  text NOT NULL,
    PRIMARY KEY (staff, role)
);
COMMENT ON TABLE staff_role IS 'View.';
CREATE INDEX staff_role_role ON staff_role (role);

CREATE TABLE proposal (
    id          uuid PRIMARY KEY,
    kind        text        NOT NULL,
    standing    text        NOT NULL,
    proposed_by uuid        NOT NULL,
    decided_by  uuid,
    staff       uuid,
    role        text,
    expires_at  timestamptz NOT NULL
);
COMMENT ON TABLE proposal IS 'View. What one person proposed and another must approve.';
CREATE INDEX proposal_open ON proposal (expires_at) WHERE standing = 'open';

CREATE TABLE service (
    id uuid PRIMARY KEY
);
COMMENT ON TABLE service IS 'View. Name and webhook address are sealed details.';

CREATE TABLE api_key (
    id         uuid PRIMARY KEY,
    service    uuid        NOT NULL,
    scopes     text[]      NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked    boolean     NOT NULL,
    hash       bytea UNIQUE
);
COMMENT ON TABLE api_key IS 'View. Only the SHA-256 of a key is known, refilled from the sealed detail.';
CREATE INDEX api_key_service ON api_key (service);

-- Not views: passing state of sign-in, and its own record. A rebuild leaves these tables alone; no event carries
-- the hashes, public keys or counters they hold. Lost, people sign in again with a new link.

CREATE TABLE api_key_use (
    key uuid PRIMARY KEY,
    day date NOT NULL
);
COMMENT ON TABLE api_key_use IS 'Not a view. The last day a key was used, to find those nobody needs.';

CREATE TABLE sign_in_link (
    hash       bytea PRIMARY KEY,
    staff      uuid        NOT NULL,
    made_by    uuid,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    void       boolean     NOT NULL DEFAULT false
);
COMMENT ON TABLE sign_in_link IS 'Not a view. One-time links; kept a while after use, since two people are not two when one let the other in.';
CREATE INDEX sign_in_link_staff ON sign_in_link (staff);

CREATE TABLE sign_in_session (
    id         uuid PRIMARY KEY,
    hash       bytea       NOT NULL UNIQUE,
    staff      uuid        NOT NULL,
    method     text        NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL
);
COMMENT ON TABLE sign_in_session IS 'Not a view. A session that ended has no row.';
CREATE INDEX sign_in_session_staff ON sign_in_session (staff);

CREATE TABLE passkey (
    id            uuid PRIMARY KEY,
    staff         uuid   NOT NULL,
    credential_id bytea  NOT NULL UNIQUE,
    public_key    bytea  NOT NULL,
    sign_count    bigint NOT NULL,
    last_used     date
);
COMMENT ON TABLE passkey IS 'Not a view. Public keys of passkeys; labels are sealed details of the staff member.';
CREATE INDEX passkey_staff ON passkey (staff);

CREATE TABLE passkey_challenge (
    hash       bytea PRIMARY KEY,
    staff      uuid,
    expires_at timestamptz NOT NULL
);
COMMENT ON TABLE passkey_challenge IS 'Not a view. To register (for one member of the staff) or to sign in (staff is null); deleted by use.';

CREATE TABLE sign_in_attempt (
    bucket  bytea       NOT NULL,
    started timestamptz NOT NULL,
    count   int         NOT NULL,
    PRIMARY KEY (bucket, started)
);
COMMENT ON TABLE sign_in_attempt IS 'Not a view. Attempts a window, for each account and each source; buckets are keyed digests.';

CREATE TABLE exposure (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL,
    staff   uuid        NOT NULL,
    kind    text        NOT NULL,
    subject uuid        NOT NULL,
    seconds int         NOT NULL CHECK (seconds >= 0)
);
COMMENT ON TABLE exposure IS 'Not a view: its own record of who saw what, for how long. Only ever added to.';
CREATE INDEX exposure_staff ON exposure (staff, at);
CREATE INDEX exposure_subject ON exposure (subject);
