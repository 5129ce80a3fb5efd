-- The page of a signal lists the cases around it, closed ones too.
CREATE INDEX case_signal ON "case" (signal) WHERE signal IS NOT NULL;
