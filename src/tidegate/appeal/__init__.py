"""Complaint, deadline, other people, reversal."""
