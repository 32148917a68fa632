"""The manager's board: what is late, what runs out next, who has how much, and what can be done about it."""
