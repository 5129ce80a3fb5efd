"""Votes, policy, the two-person rule, the statement of reasons."""
