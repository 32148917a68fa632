"""Watching the watch: signs of life, canaries, the state of the house, and who is told when it fails."""
