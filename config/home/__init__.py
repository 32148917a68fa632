"""Where Baton runs at home: its own PostgreSQL and Valkey, one supervisor, one Ctrl-C."""
