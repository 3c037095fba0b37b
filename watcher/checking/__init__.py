"""What has become of what is pinned: pins against what is remembered."""
