"""The generated messages and stubs of `chatkey.v1`."""
