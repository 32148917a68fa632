"""Plain HTML forms and the page tag: ways in for websites without an SDK."""
