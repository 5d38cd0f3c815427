-- Who signed in, who read what, what operators did: one line an event.
create table audit (
    position  bigint primary key,
    at        timestamptz not null,
    kind      text not null,
    account   text not null,                  -- whom it is about; empty: nobody known
    actor     text not null,
    session   text not null,
    what      text not null,
    reason    text not null,
    address   text not null,                  -- a network, never an address
    count     bigint not null
);
create index audit_of_account on audit (account, position desc);
create index audit_of_kind on audit (kind, position desc);
