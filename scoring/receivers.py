"""What scoring does when a bell of the ground floor rings."""
