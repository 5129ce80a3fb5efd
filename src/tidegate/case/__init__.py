"""What people must look at: clusters, queue, priority, claim, exposure."""
