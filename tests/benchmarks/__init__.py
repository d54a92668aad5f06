"""How fast, against whom: ratios measured in one run, both sides on the same work (`make bench`)."""
