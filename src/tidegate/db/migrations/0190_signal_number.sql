-- A whole number for a signal that never changes, for programs that name what they match by one: the position at which
-- it was added. It stands in the event, so that a rebuild gives the same.
ALTER TABLE signal ADD COLUMN number bigint;
UPDATE signal SET number = (event.data ->> 'position')::bigint
FROM event WHERE event.kind = 'signal.added' AND event.subject = signal.id;
ALTER TABLE signal ALTER COLUMN number SET NOT NULL;
CREATE UNIQUE INDEX signal_number ON signal (number);
