-- Which model writes down what the learner says, so that what a session cost is
-- told by it; empty: not known.
alter table sessions add column transcription_model text not null default '';
