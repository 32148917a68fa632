"""Doors for programs: how they prove who they are, how lists are paged, how errors are told."""
