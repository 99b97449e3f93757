-- Of format 3 and before: these types were not known then.
INSERT INTO unread (log_id, seq, type, version)
SELECT log_id, seq, type, version FROM events WHERE rejected = '' AND version = 1 AND type IN (
    'authorisation_asked', 'authorisation_reversed', 'authorisation_settled', 'availability_counted', 'check_forked',
    'check_handed_over', 'check_merged', 'check_taken', 'check_yielded', 'day_closed', 'day_report_printed',
    'day_tail_declared', 'fiscal_signed', 'fiscal_signing_failed', 'gap_declared', 'mode_switched', 'register_parked',
    'register_unparked', 'reversal_owed', 'roles_assigned', 'slip_entered', 'task_settled');
