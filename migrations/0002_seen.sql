-- When a projector last said that it stands behind the checkpoint, so that one
-- that died is noticed even while the log is quiet.
alter table checkpoints add column seen_at timestamptz;
