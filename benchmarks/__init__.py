"""What the node costs, measured on whatever machine it runs on."""
