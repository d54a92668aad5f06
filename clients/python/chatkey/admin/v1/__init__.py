"""The generated messages and stubs of `chatkey.admin.v1`."""
