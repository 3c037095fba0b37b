"""Remembers, judges, keeps and serves."""
