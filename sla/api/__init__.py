"""Hand-offs and touches, for programs: the same verbs as the desk, told in the same words."""
