"""How Django itself writes moments, where no template says how: in the admin."""
