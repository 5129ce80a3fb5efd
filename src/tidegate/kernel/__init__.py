"""What every stage needs and no stage owns: ids, clock, errors, events, canonical JSON, keys. Imports nothing of ours."""
