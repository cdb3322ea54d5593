DROP INDEX accounts_ended;
