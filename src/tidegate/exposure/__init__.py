"""Looking: who saw what and for how long, and how much of it is enough."""
