"""How Citewatch is run: by containers, on Kubernetes, or on this machine."""
