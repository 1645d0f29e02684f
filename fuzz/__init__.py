"""Long-running searches for disagreement and surprise; the test command runs a short stretch of each."""
