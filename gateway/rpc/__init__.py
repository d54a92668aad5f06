"""The gRPC door: translates, decides nothing."""
