-- Looking back quickly: uploads are numbered as they are written, so that files can hold all up to some number.
CREATE SEQUENCE clear_upload_number;
ALTER TABLE clear_upload ADD COLUMN number bigint NOT NULL DEFAULT nextval('clear_upload_number');
CREATE INDEX clear_upload_numbered ON clear_upload (number);

CREATE TABLE clear_upload_forgotten (
    day    date   NOT NULL,
    number bigint NOT NULL
);
COMMENT ON TABLE clear_upload_forgotten IS 'Numbers of removed rows, so that the files lose them too; goes with the day.';

-- Bytes we asked a platform for and do not have yet.
CREATE TABLE bytes_wanted (
    content  uuid PRIMARY KEY,
    revision int         NOT NULL,
    service  uuid        NOT NULL,
    asked    uuid        NOT NULL,
    asked_at timestamptz NOT NULL
);
COMMENT ON TABLE bytes_wanted IS 'View.';
CREATE INDEX bytes_wanted_service ON bytes_wanted (service, asked_at, content);
