"""The stand-in for Stripe on this machine: an HTTP server of its own, never imported by the portal.

Start it with `python -m sandbox --port 8420 --data var/stripe.sqlite`; `__main__` lists the switches and `control` the
doors for tests. Reading order: `contract` (what the SDK knows), `memory`, `objects`, `acts`, `api`, `page`, `delivery`.
"""
