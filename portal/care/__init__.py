"""The other doors: what to do when paying is not the answer."""
