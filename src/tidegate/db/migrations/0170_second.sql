-- A second, unlike hash beside the PDQ value of a signal that was made here; those of lists have none.
ALTER TABLE signal ADD COLUMN second bytea;
