"""The generator of the message classes, and the tables that it works from. Not distributed as a package."""
