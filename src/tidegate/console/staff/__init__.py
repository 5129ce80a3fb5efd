"""What the staff sees and does, each by the permissions of their roles."""
