"""The admin desk: what an operator may ask for, one method per verb."""
