"""The generated messages and stubs of `chatkey.admin`, one folder a version."""
