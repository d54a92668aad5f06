"""From accepted to sent."""
