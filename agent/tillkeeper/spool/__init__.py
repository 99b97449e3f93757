"""From a durable job to paper: the transition table, the policy by document class, one worker per device."""
