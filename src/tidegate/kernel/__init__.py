"""What every stage needs and no stage owns. Imports nothing else of ours."""
