"""The desk: what a caller may ask for, one method per verb."""
