"""What demo shows: a CSMS and stations, and the table of what they say."""
