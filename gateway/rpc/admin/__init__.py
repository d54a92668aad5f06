"""The gRPC door of operators: translates, decides nothing."""
