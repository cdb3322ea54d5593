-- The rows stay: they go with their table.
ALTER TABLE user_search DROP CONSTRAINT user_search_text_check;
ALTER TABLE user_search ADD CONSTRAINT user_search_text_check CHECK (starts_with(text, ' ')) NOT VALID;
