"""The immediate answer, and the machine's only power: to hold for a while."""
