-- The text of an item whose content has several parts: of each later one what
-- the columns of segments hold of the first, its sealed bytes in base64, by its
-- place in the content; and the hashes of each part apart.
alter table segments add column parts jsonb not null default 'null';
