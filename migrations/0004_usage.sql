-- What the provider counted, in tokens by kind: of a response, and of the
-- transcription of an item.
alter table segments add column usage jsonb;
alter table segments add column usage_rank bigint not null default 0;
alter table responses add column usage jsonb;
alter table responses add column usage_rank bigint not null default 0;
