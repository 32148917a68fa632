"""PROMISES: who must do what by when."""
