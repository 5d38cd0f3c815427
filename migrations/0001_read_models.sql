-- The read models. Every table can be dropped: the log makes it again.
--
-- No column holds a word of anyone. What is sealed in the log is sealed here:
-- three columns name the event, its kind and the sealed bytes. Columns of type
-- jsonb hold bodies of events as they stand in the log in the clear.
-- Columns in …_rank say which report a value comes from; 0 means "not known".

create table sessions (
    id                text primary key,
    learner           text not null,
    topic             text not null,
    language          text not null,
    level             text not null,
    provider          text not null,
    model             text not null,
    voice             text not null,
    started_at        timestamptz not null,
    ended_at          timestamptz,
    received          text not null,          -- outbox numbers that are in: "1-7,9"
    ended             jsonb,                  -- session_ended
    upload            jsonb,                  -- upload_requested, the latest
    completed         jsonb,                  -- upload_completed, of the latest upload
    audio             jsonb,                  -- audio_finalized
    rejected          jsonb,                  -- audio_rejected, of the latest upload
    deleted           jsonb,                  -- session_delete_requested: no read sees the row
    own_topic_event   text not null,
    own_topic_kind    text not null,
    own_topic_sealed  bytea,
    position          bigint not null         -- of its last event
);
create index sessions_of_learner on sessions (learner, started_at desc, id desc);
create index sessions_by_position on sessions (position);

create table calls (
    session       text not null,
    call          bigint not null,
    issued_at     timestamptz,
    expires_at    timestamptz,
    connected     boolean not null,
    dropped       boolean not null,
    anchor        bigint not null,
    anchor_rank   bigint not null,
    padding       bigint not null,
    padding_rank  bigint not null,
    primary key (session, call)
);

create table segments (
    session            text not null,
    call               bigint not null,
    item               text not null,
    seen               bigint not null,       -- lowest rank that named the item
    previous           text not null,
    previous_rank      bigint not null,
    speaker            text not null,         -- learner, tutor, none (only a link), or not known
    response           text not null,
    status             text not null,
    status_rank        bigint not null,
    words              bigint not null,
    text_event         text not null,
    text_sealed        bytea,
    started_call       bigint not null,
    started_call_rank  bigint not null,
    ended_call         bigint not null,
    ended_call_rank    bigint not null,
    started_rec        bigint not null,
    started_rec_rank   bigint not null,
    ended_rec          bigint not null,
    ended_rec_rank     bigint not null,
    interrupted        boolean not null,
    heard              bigint not null,
    heard_rank         bigint not null,
    hashes             bigint[] not null,     -- keyed hashes of its words
    primary key (session, call, item)
);

create table responses (
    session            text not null,
    call               bigint not null,
    response           text not null,
    started_call       bigint not null,
    started_call_rank  bigint not null,
    ended_call         bigint not null,
    ended_call_rank    bigint not null,
    started_rec        bigint not null,
    started_rec_rank   bigint not null,
    ended_rec          bigint not null,
    ended_rec_rank     bigint not null,
    cleared            boolean not null,
    after              bigint not null,       -- ms to its first sound
    after_rank         bigint not null,
    primary key (session, call, response)
);

create table topics (
    id              text primary key,
    language        text not null,
    level           text not null,
    owner           text not null,            -- empty: of the catalogue
    public          jsonb,                    -- text of the catalogue's
    private_event   text not null,
    private_kind    text not null,
    private_sealed  bytea,
    retired         boolean not null,
    position        bigint not null
);
create index topics_of_owner on topics (owner);

create table accounts (
    id                 text primary key,
    roles              jsonb not null,
    person_event       text not null,
    person_kind        text not null,
    person_sealed      bytea,
    credential_event   text not null,
    credential_kind    text not null,
    credential_sealed  bytea,
    registered_at      timestamptz not null,
    position           bigint not null
);

create table emails (
    hash      text primary key,               -- keyed hash of the address
    account   text not null,
    position  bigint not null
);

create table checkpoints (
    stream          text primary key,
    epoch           text not null default '',
    created         timestamptz,
    position        bigint not null default 0,
    event           text not null default '',
    aggregate_kind  text not null default '',
    aggregate_id    text not null default '',
    fence           bigint not null default 0
);

create table dead_letters (
    position        bigint primary key,
    aggregate_kind  text not null,
    aggregate_id    text not null,
    event           text not null,
    type            text not null,
    reason          text not null
);
create index dead_letters_of on dead_letters (aggregate_kind, aggregate_id, position);
