"""Notices and tells."""
