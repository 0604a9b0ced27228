"""Every request that any service makes to a stranger: vetted, bounded, recorded."""
