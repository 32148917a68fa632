"""What a person's inbox shows: its tabs and their order, pages by key, filters and the saved ones, and what changed."""
