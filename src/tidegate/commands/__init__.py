"""What people do at the machine of a node."""
