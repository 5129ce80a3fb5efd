"""What the node does after a commit and as time passes, without anyone waiting."""
