"""Every client of `clients/`, built and run through `clients/scenarios.yaml` against a real gateway."""
