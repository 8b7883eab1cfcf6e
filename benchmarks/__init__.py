"""Ratios against a bare floor, measured side by side in one run; never a test, because machines differ."""
