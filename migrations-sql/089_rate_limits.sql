-- Counters of seconds and minutes: after a crash of the server they may begin anew, so no write-ahead log is kept.
ALTER TABLE rate_limits SET UNLOGGED;
ALTER TABLE rate_limits ADD CONSTRAINT rate_limits_points_check CHECK (points >= 0);
