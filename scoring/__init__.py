"""JUDGEMENTS: how good is this lead, and why."""
