"""What sla does when a bell of a lower floor rings."""
