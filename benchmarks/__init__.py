"""Benchmarks: ratios measured in one process, interleaved, medians. Run with `python3 run.py bench`."""
