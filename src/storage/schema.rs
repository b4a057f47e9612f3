// The tables of `migrations/`, in diesel's words.

diesel::table! {
    meta (name) {
        name -> Text,
        value -> Text,
    }
}

diesel::table! {
    counters (name) {
        name -> Text,
        value -> BigInt,
    }
}

diesel::table! {
    streams (id) {
        id -> BigInt,
        kind -> Text,
        name -> Text,
        name_folded -> Text,
    }
}

diesel::table! {
    log (stream_id, seq) {
        stream_id -> BigInt,
        seq -> BigInt,
        at_ms -> BigInt,
        author -> Text,
        dedupe -> Nullable<Text>,
        fingerprint -> Nullable<Binary>,
        kind -> Text,
        body -> Binary,
        checksum -> BigInt,
    }
}

diesel::table! {
    snapshots (stream_id) {
        stream_id -> BigInt,
        seq -> BigInt,
        format -> Integer,
        body -> Binary,
    }
}

diesel::table! {
    rooms (stream_id) {
        stream_id -> BigInt,
        name -> Text,
        name_folded -> Text,
        topic -> Text,
        visibility -> Text,
        has_password -> Bool,
        created_at_ms -> BigInt,
        closed_at_ms -> Nullable<BigInt>,
        members -> BigInt,
    }
}

diesel::table! {
    members (stream_id, client_folded) {
        stream_id -> BigInt,
        client_folded -> Text,
        client -> Text,
        role -> Text,
        weight_milli -> Integer,
        joined_at_ms -> BigInt,
    }
}

diesel::table! {
    grants (stream_id, client_folded) {
        stream_id -> BigInt,
        client_folded -> Text,
        role -> Text,
    }
}

diesel::table! {
    messages (id) {
        id -> Binary,
        stream_id -> BigInt,
        seq -> BigInt,
        channel_folded -> Text,
    }
}

diesel::table! {
    clients (name_folded) {
        name_folded -> Text,
        name -> Text,
        known_at_ms -> BigInt,
    }
}

diesel::table! {
    deliveries (stream_id, seq) {
        stream_id -> BigInt,
        seq -> BigInt,
        id -> Binary,
        sender -> Text,
        stage -> Text,
        attempts -> BigInt,
        failures -> Nullable<Text>,
        expires_at_ms -> BigInt,
        deadline_ms -> Nullable<BigInt>,
        due_at_ms -> Nullable<BigInt>,
        answer_by_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    message_records (id, stream_id, seq) {
        id -> Binary,
        stream_id -> BigInt,
        seq -> BigInt,
    }
}

diesel::table! {
    decisions (id) {
        id -> Binary,
        stream_id -> BigInt,
        seq -> BigInt,
        state -> Text,
        deadline_ms -> BigInt,
        due_at_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    decision_records (id, stream_id, seq) {
        id -> Binary,
        stream_id -> BigInt,
        seq -> BigInt,
    }
}

diesel::table! {
    critiques (id) {
        id -> Binary,
        stream_id -> BigInt,
        seq -> BigInt,
        decision -> Nullable<Binary>,
        is_open -> Bool,
    }
}

diesel::table! {
    critique_records (id, stream_id, seq) {
        id -> Binary,
        stream_id -> BigInt,
        seq -> BigInt,
    }
}

diesel::table! {
    replies (id, stream_id, seq) {
        id -> Binary,
        stream_id -> BigInt,
        seq -> BigInt,
        answer -> Binary,
    }
}

diesel::table! {
    follow_ups (stream_id, seq) {
        stream_id -> BigInt,
        seq -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    clients,
    counters,
    critique_records,
    critiques,
    decision_records,
    decisions,
    deliveries,
    follow_ups,
    grants,
    log,
    members,
    message_records,
    messages,
    meta,
    replies,
    rooms,
    snapshots,
    streams,
);
