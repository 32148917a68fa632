"""Delivering: how what stands in the outbox reaches people and endpoints, and what is done where it does not."""
