"""What people must be told of by itself: things that wait too long, or stand still."""
