"""What a lender's limits answer to what somebody asks for: gates, the eight answers, what would work, and the trace."""
