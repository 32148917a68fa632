"""A sales floor over many days, through the real verbs: the seed decides everything that happens on it."""
