"""What somebody changes of a running plan alone: its limits, its effect before it is made, the way back for a day."""
