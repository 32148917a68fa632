"""The doors to the promises: inbox, board, verdicts, and sla's parts of the lead page."""
