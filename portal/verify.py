"""Placeholder until verify lands."""
