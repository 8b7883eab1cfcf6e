"""When and where a person may be written to: facts for the gate, choices, stopping, checking that a message is ours."""
