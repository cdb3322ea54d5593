DROP TRIGGER users_enter_search ON users;
DROP TRIGGER users_change_search ON users;
DROP FUNCTION keep_user_search();
DROP TABLE user_search;
DROP EXTENSION btree_gin;
