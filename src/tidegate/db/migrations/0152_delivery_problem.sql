-- Why a platform did not take an instruction, for those who look after it.
CREATE TABLE delivery_problem (
    instruction uuid PRIMARY KEY,
    attempts    int         NOT NULL,
    at          timestamptz NOT NULL,
    problem     text        NOT NULL,
    status      int
);
COMMENT ON TABLE delivery_problem IS 'Not a view. How often an instruction was tried in vain, and what came of the last try.';
