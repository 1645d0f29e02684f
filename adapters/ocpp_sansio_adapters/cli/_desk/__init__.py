"""What csms and station have in common: a console, commands, and frames as they pass."""
