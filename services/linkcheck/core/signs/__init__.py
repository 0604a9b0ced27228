"""Named signs of what a page is: walls, parking, not-found texts, takeovers. Data, one row each."""
