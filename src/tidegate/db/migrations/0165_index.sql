-- The index reads signals by kind and position, in pages; kinds of which there are few, all at once.
CREATE INDEX signal_kind_position ON signal (kind, position);
CREATE INDEX signal_few_position ON signal (position) WHERE kind NOT IN ('sha256', 'pdq');
