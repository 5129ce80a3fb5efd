"""The public append-only log: what was done, recountable by anyone, changed quietly by nobody."""
