"""Events pushed to those who asked for it, signed as Standard Webhooks has it: in order, at least once."""
