"""What `/api/v1` answers besides the events: projects, lock files, operators' orders, and what describes all of it."""
