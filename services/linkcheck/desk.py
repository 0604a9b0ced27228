"""What editors do: review a verdict, look for a repair, view a capture, take the evidence with them."""
