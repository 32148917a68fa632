"""The first day: from an empty database to the first lead at a rep, and how far it has come."""
