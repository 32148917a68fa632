"""A believable company to try Baton with: its people, its rules, and some weeks lived through the real verbs."""
