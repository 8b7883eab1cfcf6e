"""The page of all components, for whoever builds pages; in the demo alone."""
