"""Telling people: what is written to reps and managers."""
