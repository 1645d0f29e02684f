"""Messages as people look them up and type them."""
