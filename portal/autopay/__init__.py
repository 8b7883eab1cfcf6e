"""Payments of a plan that are taken from a saved card on their days: agreed to, noticed, charged once, stopped."""
