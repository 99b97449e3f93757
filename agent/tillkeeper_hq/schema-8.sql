-- Format 8: events that are stored and were not read, for their type or version was not known: a later version books them.
CREATE TABLE unread (
    log_id  INTEGER NOT NULL REFERENCES logs,
    seq     INTEGER NOT NULL,
    type    TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (log_id, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX unread_by_type ON unread (type, version, log_id, seq);

INSERT INTO unread (log_id, seq, type, version)
SELECT log_id, seq, type, version FROM events WHERE rejected = '' AND (version <> 1 OR type NOT IN (
    'approval_given', 'authorisation_asked', 'authorisation_reversed', 'authorisation_settled',
    'availability_counted', 'availability_set', 'cash_moved', 'catalogue_adopted', 'check_closed', 'check_forked',
    'check_handed_over', 'check_merged', 'check_numbered', 'check_opened', 'check_taken', 'check_voided',
    'check_yielded', 'day_closed', 'day_report_printed', 'day_tail_declared', 'device_replaced', 'discount_applied',
    'discount_removed', 'document_rerouted', 'document_settled', 'drawer_counted', 'drawer_kicked',
    'drawer_report_printed', 'drawer_session_closed', 'drawer_session_opened', 'fire_scheduled', 'fiscal_signed',
    'fiscal_signing_failed', 'gap_declared', 'incarnation_began', 'join_code_opened', 'join_refused', 'line_added',
    'line_changed', 'line_voided', 'lines_fired', 'lines_held', 'mode_changed', 'mode_switched', 'no_sale_recorded',
    'order_type_changed', 'personal_data_erased', 'receipt_issued', 'refund_recorded', 'register_admitted',
    'register_left', 'register_parked', 'register_unparked', 'reversal_owed', 'roles_assigned', 'sign_in_locked_out',
    'signed_in', 'signed_out', 'slip_entered', 'staff_adopted', 'store_keys_taken', 'task_settled', 'tender_awaited',
    'tender_recorded', 'ticket_bumped', 'ticket_fired', 'ticket_recalled', 'ticket_reprinted', 'time_entry_recorded',
    'tips_declared', 'training_switched', 'void_acknowledged'));
